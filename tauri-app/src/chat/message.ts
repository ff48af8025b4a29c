import type { ChatMessage, MessagesResult } from "@/rpc/gen/protocol";

export type { ChatMessage };
export type Part = MessagesResult["messages"][number]["parts"][number];

/** What an attachment's URL has before the hash of its file. */
const SCHEME = "attachment:";

/** Its words, as the sidecar joins them. */
export function textOf({ parts }: { parts: readonly Part[] }): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** The URLs of its pictures. */
export function picturesOf({ parts }: { parts: readonly Part[] }): string[] {
  return parts.flatMap((part) => (part.type === "image" ? [SCHEME + part.attachment] : []));
}

/** A question of these pictures (by URL) and words. */
export function partsOf(text: string, pictures: readonly string[]): Part[] {
  return [
    ...pictures.map((url) => ({ type: "image" as const, attachment: url.slice(SCHEME.length) })),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
  ];
}

/** Whether it rotted on the disk: nobody knows what was said. */
export function isUnreadable({ parts }: ChatMessage): boolean {
  return parts.length === 0;
}

/** How many characters it has, as the sidecar counts them; an emoji's are two units of JavaScript's `length`. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) {
    count += 1;
  }
  return count;
}

/** An answer of so many characters gets no longer. */
const LONGEST = 500_000;

/** Whether an answer can go on from where it ended: it was cut, has words, and is not as long as one gets. */
export function canGoOn(answer: ChatMessage): boolean {
  const isCut = answer.state === "interrupted" || answer.finishReason === "length";
  const text = textOf(answer);
  return isCut && text.trim() !== "" && (text.length < LONGEST || codePoints(text) < LONGEST);
}
