import { ArrowUp, Loader2, Paperclip, Square, X } from "lucide-react";
import type { ClipboardEvent, FormEvent, RefObject } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Tooltip } from "@/components/ui/tooltip";
import { formatList } from "@/i18n/list";
import { useEnter } from "./composition";
import { Thumbnail } from "./thumbnail";
import { useFittingHeight } from "./use-fitting-height";
import type { Pictures } from "./use-pictures";

type ComposerProps = {
  field: RefObject<HTMLTextAreaElement | null>;
  draft: string;
  onDraft: (text: string) => void;
  pictures: Pictures;
  answering: boolean;
  onSend: () => void;
  onStop: () => void;
  /** Where jobs are done that leave this computer. */
  elsewhere: readonly string[];
};

/** Where a message is written. Enter sends it, Shift+Enter is a line break. */
export function Composer({
  field,
  draft,
  onDraft,
  pictures,
  answering,
  onSend,
  onStop,
  elsewhere,
}: ComposerProps) {
  const { t, i18n } = useTranslation();
  const sendable = !answering && !pictures.busy && (draft.trim() !== "" || pictures.attached.length > 0);
  const send = () => {
    if (sendable) {
      onSend();
    }
  };
  const enter = useEnter(send);
  useFittingHeight(field, draft);

  function submit(event: FormEvent) {
    event.preventDefault();
    send();
  }

  function paste(event: ClipboardEvent) {
    const files = [...event.clipboardData.files];
    if (files.length > 0) {
      event.preventDefault();
      void pictures.addFiles(files);
    }
  }

  return (
    <form onSubmit={submit} className="mx-auto w-full max-w-(--column) px-4 pb-3">
      {pictures.error && <AttachError pictures={pictures} />}
      <div className="rounded-2xl border border-input bg-card shadow-raised transition-colors duration-150 has-[textarea:focus-visible]:border-ring">
        {(pictures.attached.length > 0 || pictures.busy) && (
          <ul aria-label={t("chat.composer.attached")} className="flex flex-wrap gap-3 px-4 pt-4">
            {pictures.attached.map((url) => (
              <li key={url} className="animate-pop">
                <Thumbnail
                  url={url}
                  className="size-16"
                  onRemove={() => {
                    pictures.remove(url);
                    field.current?.focus();
                  }}
                />
              </li>
            ))}
            {pictures.busy && (
              <li className="grid size-16 place-items-center rounded-xl border border-dashed text-muted-foreground">
                <Loader2
                  aria-label={t("chat.composer.attaching")}
                  role="status"
                  className="size-5 animate-spin"
                />
              </li>
            )}
          </ul>
        )}
        <textarea
          ref={field}
          rows={1}
          // biome-ignore lint/a11y/noAutofocus: writing is what this page is for, and nothing precedes it that must be read.
          autoFocus
          aria-label={t("chat.composer.label")}
          placeholder={t("chat.composer.placeholder")}
          value={draft}
          onChange={(event) => onDraft(event.target.value)}
          onPaste={paste}
          className="selectable block max-h-52 w-full resize-none bg-transparent px-4 pt-3.5 pb-1 placeholder:text-muted-foreground focus-visible:outline-none"
          {...enter}
        />
        <div className="flex items-center justify-between p-2">
          <Tooltip content={t("chat.composer.attach")}>
            <Button
              variant="ghost"
              size="icon"
              aria-label={t("chat.composer.attach")}
              onClick={() => void pictures.pick().then(() => field.current?.focus())}
            >
              <Paperclip className="size-[1.125rem]" />
            </Button>
          </Tooltip>
          <SendOrStop answering={answering} sendable={sendable} onStop={onStop} />
        </div>
      </div>
      <p className="mt-2 text-center text-muted-foreground text-xs">
        {elsewhere.length === 0
          ? t("chat.composer.privacy")
          : t("chat.composer.elsewhere", { providers: formatList(elsewhere, i18n.language) })}
      </p>
    </form>
  );
}

/** One button for both, so that the keyboard's focus stays where it is when the answer begins or ends. */
function SendOrStop({
  answering,
  sendable,
  onStop,
}: {
  answering: boolean;
  sendable: boolean;
  onStop: () => void;
}) {
  const { t } = useTranslation();
  const label = t(answering ? "chat.composer.stop" : "chat.composer.send");
  return (
    <Tooltip content={label}>
      <Button
        type={answering ? "button" : "submit"}
        size="icon"
        aria-label={label}
        aria-disabled={!answering && !sendable}
        // The second click of a double click on Send is not meant for Stop.
        onClick={(event) => answering && event.detail < 2 && onStop()}
        className={cn(
          "rounded-full",
          !answering && !sendable && "bg-accent text-muted-foreground hover:bg-accent",
        )}
      >
        {answering ? <Square className="size-3.5 fill-current" /> : <ArrowUp className="size-[1.125rem]" />}
      </Button>
    </Tooltip>
  );
}

function AttachError({ pictures: { error, dismissError } }: { pictures: Pictures }) {
  const { t } = useTranslation();
  if (!error) {
    return null;
  }
  // The text of the kind is for a picture in a message that was sent. This one is in none.
  const { title, hint } =
    error.kind === "invalid_image"
      ? { title: t("chat.composer.refused.title"), hint: t("chat.composer.refused.hint") }
      : errorText(t, error);
  return (
    <div className="mb-2 flex animate-rise items-start gap-3 rounded-xl bg-destructive-soft py-2 pr-2 pl-4 text-sm">
      <div role="alert" className="grow py-1">
        <p className="font-medium">{title}</p>
        <p>{hint}</p>
      </div>
      <Button variant="ghost" size="icon-sm" aria-label={t("chat.composer.dismiss")} onClick={dismissError}>
        <X />
      </Button>
    </div>
  );
}
