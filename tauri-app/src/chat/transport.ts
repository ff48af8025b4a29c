import type { ChatTransport, UIMessageChunk } from "ai";
import type { Sidecar } from "@/rpc/sidecar";
import { type ChatMessage, toOpenAi } from "./message";

/** A person waits for the answer: before all work that can wait. */
const PRIORITY = 1;

type SendOptions = Parameters<ChatTransport<ChatMessage>["sendMessages"]>[0];
type Chunks = ReadableStreamDefaultController<UIMessageChunk>;

/** Lets `useChat` talk to the sidecar's `chat/completions`. */
export class SidecarTransport implements ChatTransport<ChatMessage> {
  readonly #sidecar: Sidecar;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
  }

  async sendMessages({ messages, abortSignal }: SendOptions): Promise<ReadableStream<UIMessageChunk>> {
    return new ReadableStream({
      start: (chunks) => {
        this.#answer(messages, abortSignal, chunks).catch((cause: unknown) => chunks.error(cause));
      },
    });
  }

  async #answer(messages: ChatMessage[], signal: AbortSignal | undefined, chunks: Chunks): Promise<void> {
    const text = new TextBlock(chunks);
    const completion = await this.#sidecar.call(
      "chat/completions",
      { messages: toOpenAi(messages), stream: true, priority: PRIORITY },
      {
        signal,
        onNotification: (notification) => {
          if (notification.method === "chat/chunk") {
            text.append(notification.params.chunk.choices[0]?.delta.content ?? "");
          }
        },
      },
    );
    const choice = completion.choices[0];
    text.finish(choice?.message.content ?? "");
    chunks.enqueue({ type: "finish", messageMetadata: { ending: choice?.finish_reason ?? "stop" } });
    chunks.close();
  }

  /** Answers do not outlive the window's page, so there is nothing to come back to. */
  async reconnectToStream(): Promise<null> {
    return null;
  }
}

/** The one text of an answer. It starts with the first word, so that until then the chat counts as waiting. */
class TextBlock {
  static readonly #ID = "answer";
  readonly #chunks: Chunks;
  #sent = "";
  #started = false;
  #finished = false;

  constructor(chunks: Chunks) {
    this.#chunks = chunks;
  }

  #start(): void {
    if (!this.#started) {
      this.#started = true;
      this.#chunks.enqueue({ type: "start" });
      this.#chunks.enqueue({ type: "text-start", id: TextBlock.#ID });
    }
  }

  append(delta: string): void {
    if (delta !== "" && !this.#finished) {
      this.#start();
      this.#sent += delta;
      this.#chunks.enqueue({ type: "text-delta", id: TextBlock.#ID, delta });
    }
  }

  /** The answer may overtake the last pieces on their way through the shell: `whole` has what they would bring. */
  finish(whole: string): void {
    if (whole.startsWith(this.#sent)) {
      this.append(whole.slice(this.#sent.length));
    }
    this.#start();
    this.#finished = true;
    this.#chunks.enqueue({ type: "text-end", id: TextBlock.#ID });
  }
}
