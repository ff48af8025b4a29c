/** A chat page over a scripted sidecar, and what a person does on it. */
import { screen } from "@testing-library/react";
import type { Answers, Call, Script } from "../shell/replay";
import { completion, READY, sendPiece, withModel } from "../shell/sidecar";
import { type OpenWindow, openWindow } from "../window";

export const field = () => screen.findByRole("textbox", { name: "Message" });
export const send = () => screen.findByRole("button", { name: "Send" });
export const stop = () => screen.findByRole("button", { name: "Stop" });
export const answers = () => screen.queryAllByRole("article", { name: "Knowledge Focus" });
export const questions = () => screen.queryAllByRole("article", { name: "You" });

export async function openChat(answers: Answers = {}, script: Partial<Script> = {}): Promise<OpenWindow> {
  const window = await openWindow({ ...script, answers: withModel(READY, answers) });
  await field();
  return window;
}

export async function ask({ person }: OpenWindow, text: string): Promise<void> {
  await person.type(await field(), `${text}{Enter}`);
}

/** Streams `pieces`, then answers with the whole. */
export function stream(...pieces: string[]): Answers {
  return {
    "chat/completions": (call) => {
      for (const piece of pieces) {
        sendPiece(call, piece);
      }
      return completion(pieces.join(""));
    },
  };
}

/** An answer that the test itself lets come, piece by piece. */
export class OpenAnswer {
  #call: Call | undefined;
  #settle:
    | { resolve: (value: ReturnType<typeof completion>) => void; reject: (cause: unknown) => void }
    | undefined;
  #text = "";
  cancelled = false;

  readonly answers: Answers = {
    "chat/completions": (call) => {
      this.#call = call as Call;
      this.#text = "";
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof completion>>();
      this.#settle = { resolve, reject };
      call.signal.addEventListener("abort", () => {
        this.cancelled = true;
        reject({ kind: "request_cancelled", retryable: false, message: "", details: {} });
      });
      return promise;
    },
  };

  piece(text: string): void {
    if (!this.#call) {
      throw new Error("nothing was asked yet");
    }
    this.#text += text;
    sendPiece(this.#call, text);
  }

  finish(ending: "stop" | "length" = "stop"): void {
    this.#settle?.resolve(completion(this.#text, ending));
  }

  fail(cause: unknown): void {
    this.#settle?.reject(cause);
  }
}
