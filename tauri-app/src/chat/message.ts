import type { UIMessage } from "ai";
import type { ChatCompletionRequest } from "@/rpc/gen/protocol";

/** How an answer ended; absent while it runs, or when an error cut it. */
export type Ending = "stop" | "length" | "stopped";

interface Metadata {
  ending?: Ending;
  /** A question that cannot be answered as it is, for example for a damaged picture. The chat goes on without it. */
  refused?: boolean;
}

export type ChatMessage = UIMessage<Metadata>;

export type Picture = Extract<ChatMessage["parts"][number], { type: "file" }>;

type OpenAiMessage = ChatCompletionRequest["messages"][number];

export function textOf(message: ChatMessage): string {
  return message.parts.reduce((text, part) => (part.type === "text" ? text + part.text : text), "");
}

export function picturesOf(message: ChatMessage): Picture[] {
  return message.parts.filter((part) => part.type === "file");
}

/** The conversation as OpenAI spells it, without refused questions and answers without a word (stopped at once). */
export function toOpenAi(messages: readonly ChatMessage[]): OpenAiMessage[] {
  return messages.flatMap((message): OpenAiMessage[] => {
    const text = textOf(message);
    if (message.role === "user") {
      return message.metadata?.refused
        ? []
        : [{ role: "user", content: contentOf(text, picturesOf(message)) }];
    }
    return text === "" ? [] : [{ role: message.role, content: text }];
  });
}

function contentOf(text: string, pictures: readonly Picture[]) {
  if (pictures.length === 0) {
    return text;
  }
  return [
    ...pictures.map(({ url }) => ({ type: "image_url" as const, image_url: { url } })),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
  ];
}
