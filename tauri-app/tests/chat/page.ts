/** A chat page over a scripted sidecar, and what a person does on it. */
import { screen } from "@testing-library/react";
import { KeptChats } from "../shell/chats";
import type { Answers, Script } from "../shell/replay";
import { READY, withModel } from "../shell/sidecar";
import { type OpenWindow, openWindow } from "../window";

export const field = () => screen.findByRole("textbox", { name: "Message" });
export const send = () => screen.findByRole("button", { name: "Send" });
export const stop = () => screen.findByRole("button", { name: "Stop" });
export const answers = () => screen.queryAllByRole("article", { name: "Knowledge Focus" });
export const questions = () => screen.queryAllByRole("article", { name: "You" });

export interface OpenChat extends OpenWindow {
  chats: KeptChats;
}

export async function openChat(
  chats: KeptChats = new KeptChats(),
  answers: Answers = {},
  script: Partial<Script> = {},
): Promise<OpenChat> {
  const window = await openWindow({ ...script, answers: withModel(READY, { ...chats.answers, ...answers }) });
  await field();
  return { ...window, chats };
}

export async function ask({ person }: OpenWindow, text: string): Promise<void> {
  await person.type(await field(), `${text}{Enter}`);
}

/** Every question is answered at once with these pieces. */
export function replying(...pieces: string[]): KeptChats {
  const chats = new KeptChats();
  chats.reply = pieces;
  return chats;
}
