import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import type { RpcError } from "@/rpc/error";
import { useEnter } from "./composition";
import { type ChatMessage, type Part, partsOf, picturesOf, textOf } from "./message";
import { Thumbnail } from "./thumbnail";
import { useFittingHeight } from "./use-fitting-height";

type QuestionEditorProps = {
  message: ChatMessage;
  /** More than its answer comes after it. */
  replacesMore: boolean;
  /** Why it was refused, if it was. */
  onSend: (parts: readonly Part[]) => Promise<RpcError | null>;
  onClose: () => void;
};

/** A question while the person puts it in other words. */
export function QuestionEditor({ message, replacesMore, onSend, onClose }: QuestionEditorProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => textOf(message));
  const [pictures, setPictures] = useState(() => picturesOf(message));
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<RpcError | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  useFittingHeight(field, text);
  const sendable = !sending && (text.trim() !== "" || pictures.length > 0);

  async function send() {
    if (!sendable) {
      return;
    }
    setSending(true);
    setError(null);
    const refused = await onSend(partsOf(text.trim(), pictures));
    if (refused) {
      // Who has just said no knows why.
      setError(refused.kind === "consent_refused" ? null : refused);
      setSending(false);
    } else {
      onClose();
    }
  }

  const { onKeyDown, ...enter } = useEnter(() => void send());

  function press(event: KeyboardEvent) {
    onKeyDown(event);
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
  }

  return (
    <form
      aria-label={t("chat.question.edit")}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      className="ml-10 animate-rise rounded-2xl border border-ring bg-card shadow-raised"
    >
      {pictures.length > 0 && (
        <div className="flex flex-wrap gap-3 px-4 pt-4">
          {pictures.map((url) => (
            <Thumbnail
              key={url}
              url={url}
              className="size-16"
              onRemove={() => {
                setPictures(pictures.filter((other) => other !== url));
                field.current?.focus();
              }}
            />
          ))}
        </div>
      )}
      <textarea
        ref={field}
        rows={1}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to change it.
        autoFocus
        aria-label={t("chat.question.label")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onFocus={({ target }) => target.setSelectionRange(target.value.length, target.value.length)}
        onKeyDown={press}
        className="selectable block max-h-52 w-full resize-none bg-transparent px-4 pt-3 pb-1 focus-visible:outline-none"
        {...enter}
      />
      {error && <ErrorNote error={error} className="mx-3 mt-1" />}
      <div className="flex flex-wrap items-center justify-end gap-2 p-2.5">
        {replacesMore && (
          <p className="grow pl-1.5 text-muted-foreground text-xs">{t("chat.question.replaces")}</p>
        )}
        <Button variant="ghost" size="sm" onClick={onClose}>
          {t("chat.question.cancel")}
        </Button>
        <Button type="submit" size="sm" disabled={!sendable}>
          {t("chat.question.ask")}
        </Button>
      </div>
    </form>
  );
}
