import { useChat } from "@ai-sdk/react";
import { useCallback, useMemo } from "react";
import { RpcError } from "@/rpc/error";
import type { Sidecar } from "@/rpc/sidecar";
import { type ChatMessage, type Picture, picturesOf, textOf } from "./message";
import type { Phase } from "./phase";
import { concernsQuestion } from "./question-error";
import { SidecarTransport } from "./transport";
import { useEngine } from "./use-engine";
import type { AttachedPicture } from "./use-pictures";

/** Milliseconds between two renderings of a growing answer. */
const RENDER_EVERY = 50;

/** The chat on screen: its messages, what it is doing, and what one can do with it. */
export function useConversation(sidecar: Sidecar) {
  const transport = useMemo(() => new SidecarTransport(sidecar), [sidecar]);
  const { messages, status, error, sendMessage, regenerate, stop, setMessages, clearError } =
    useChat<ChatMessage>({
      transport,
      throttle: RENDER_EVERY,
    });
  const engine = useEngine(sidecar);
  const answering = status === "submitted" || status === "streaming";
  const last = messages.at(-1);
  const failure = useMemo(() => (error ? RpcError.from(error) : null), [error]);

  const send = useCallback(
    (text: string, pictures: readonly AttachedPicture[]) => {
      const files = pictures.map(({ url, name, mime }) => ({
        type: "file" as const,
        url,
        filename: name,
        mediaType: mime,
      }));
      if (failure && concernsQuestion(failure)) {
        setMessages(markRefused);
      }
      void sendMessage({ parts: [...files, ...(text === "" ? [] : [{ type: "text" as const, text }])] });
    },
    [sendMessage, setMessages, failure],
  );

  const halt = useCallback(async () => {
    await stop();
    setMessages(markStopped);
  }, [stop, setMessages]);

  const takeBack = useCallback(() => {
    const index = messages.findLastIndex(({ role }) => role === "user");
    const question = messages[index];
    setMessages(messages.slice(0, Math.max(0, index)));
    clearError();
    return question && { text: textOf(question), pictures: picturesOf(question).map(attachmentOf) };
  }, [messages, setMessages, clearError]);

  const again = useCallback(() => void regenerate(), [regenerate]);

  const restart = useCallback(async () => {
    await stop();
    setMessages([]);
    clearError();
  }, [stop, setMessages, clearError]);

  let phase: Phase = null;
  if (status === "submitted") {
    phase = engine?.loading ? "loading" : "thinking";
  } else if (status === "streaming") {
    phase = "answering";
  } else if (status === "ready" && last?.role === "assistant") {
    phase = last.metadata?.ending === "stopped" ? "stopped" : "finished";
  }

  return {
    messages,
    answering,
    streaming: status === "streaming",
    phase,
    error: failure,
    spoken: last?.role === "assistant" ? textOf(last) : "",
    send,
    stop: halt,
    again,
    takeBack,
    restart,
  };
}

function attachmentOf({ url, filename = "", mediaType: mime }: Picture): AttachedPicture {
  return { url, name: filename, mime };
}

/** Leaves the last question out of what the model is told from now on. */
function markRefused(messages: ChatMessage[]): ChatMessage[] {
  const refused = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((message, index) =>
    index === refused ? { ...message, metadata: { ...message.metadata, refused: true } } : message,
  );
}

/** Keeps for later that the last answer was stopped, also when it had not begun. */
function markStopped(messages: ChatMessage[]): ChatMessage[] {
  const last = messages.at(-1);
  if (!last) {
    return messages;
  }
  const metadata = { ending: "stopped" as const };
  return last.role === "assistant"
    ? [...messages.slice(0, -1), { ...last, metadata }]
    : [...messages, { id: crypto.randomUUID(), role: "assistant", parts: [], metadata }];
}
