/** The Settings page over a scripted sidecar, and what a person does on it. */
import { screen, within } from "@testing-library/react";
import type { Answers, Script } from "../shell/replay";
import { withSettings } from "../shell/settings";
import { READY, withModel } from "../shell/sidecar";
import { type OpenWindow, openWindow } from "../window";

export async function openSettings(
  answers: Answers,
  section: string,
  script: Partial<Script> = {},
): Promise<OpenWindow> {
  const window = await openWindow({
    ...script,
    answers: withModel(READY, { ...withSettings(), ...answers }),
  });
  await screen.findByRole("textbox", { name: "Message" });
  await toSettings(window, section);
  return window;
}

/** From the chat, through its menu. */
export async function toSettings({ person }: OpenWindow, section: string): Promise<void> {
  await person.click(screen.getByRole("button", { name: "Settings" }));
  await person.click(await screen.findByRole("menuitem", { name: "Settings…" }));
  const page = await screen.findByRole("dialog", { name: "Settings" });
  await person.click(within(page).getByRole("button", { name: section }));
  await screen.findByRole("heading", { level: 2, name: section });
}
