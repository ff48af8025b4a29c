import { render } from "@testing-library/react";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import axe from "axe-core";
import type { ReactNode } from "react";
import { expect } from "vitest";
import { App } from "@/app";
import { loadPreferences } from "@/preferences/preferences";
import { Sidecar } from "@/rpc/sidecar";
import { type Script, ShellReplay } from "./shell/replay";

export interface OpenWindow {
  shell: ShellReplay;
  person: UserEvent;
}

/** Opens the whole window over a scripted shell. */
export async function openWindow(script: Script): Promise<OpenWindow> {
  const shell = new ShellReplay(script);
  const preferences = await loadPreferences();
  render(<App sidecar={new Sidecar()} preferences={preferences} />);
  return { shell, person: userEvent.setup() };
}

/** Shows one component, for what needs no shell behind it. */
export function show(element: ReactNode): UserEvent {
  render(element);
  return userEvent.setup();
}

/** Everything axe finds but colours, which jsdom does not compute. */
export async function expectNoAxeViolations(): Promise<void> {
  const { violations } = await axe.run(document, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
