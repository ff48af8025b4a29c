import { ArrowDown, ImagePlus, SquarePen } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/components/mark";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { HelpButton } from "@/help/help";
import { PreferencesMenu } from "@/preferences/preferences-menu";
import type { Sidecar } from "@/rpc/sidecar";
import { Answer } from "./answer";
import { ChatError } from "./chat-error";
import { Composer } from "./composer";
import { EmptyState, type Suggestion } from "./empty-state";
import { PhaseLine } from "./phase";
import { Question } from "./question";
import { SpokenAnswer } from "./spoken-answer";
import { useConversation } from "./use-conversation";
import { useDrop } from "./use-drop";
import { useElsewhere } from "./use-elsewhere";
import { useFollow } from "./use-follow";
import { usePictures } from "./use-pictures";

export function ChatPage({ sidecar, onModelMissing }: { sidecar: Sidecar; onModelMissing: () => void }) {
  const { t } = useTranslation();
  const { messages, answering, streaming, phase, error, spoken, send, stop, again, takeBack, restart } =
    useConversation(sidecar);
  const [draft, setDraft] = useState("");
  const elsewhere = useElsewhere(sidecar);
  const pictures = usePictures();
  const dragged = useDrop(pictures);
  const field = useRef<HTMLTextAreaElement>(null);
  const view = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useFollow(view, content);

  function write(text: string) {
    setDraft(text);
    field.current?.focus();
  }

  function submit() {
    send(draft.trim(), pictures.attached);
    setDraft("");
    pictures.replace([]);
    toEnd();
    field.current?.focus();
  }

  function choose(suggestion: Suggestion) {
    write(t(`chat.suggestions.${suggestion}.prompt`));
    if (suggestion === "picture") {
      void pictures.pick().then(() => field.current?.focus());
    }
  }

  function edit() {
    const question = takeBack();
    pictures.replace(question?.pictures ?? []);
    // What was written meanwhile is kept behind it.
    write([question?.text ?? "", draft].filter((text) => text !== "").join("\n"));
  }

  function begin() {
    void restart();
    pictures.replace([]);
    write("");
  }

  return (
    <div className="relative flex h-full flex-col">
      <header className="flex h-(--header) shrink-0 items-center justify-between border-b px-3">
        <div className="flex items-center gap-2.5 pl-1">
          <Mark className="size-6" />
          <h1 className="font-semibold tracking-tight">{t("app.name")}</h1>
        </div>
        <div className="flex items-center gap-1">
          <Tooltip content={t("chat.new")}>
            <Button variant="ghost" size="icon" aria-label={t("chat.new")} onClick={begin}>
              <SquarePen />
            </Button>
          </Tooltip>
          <HelpButton />
          <PreferencesMenu sidecar={sidecar} />
        </div>
      </header>
      <main className="flex min-h-0 grow flex-col">
        <section
          ref={view}
          aria-label={t("chat.conversation")}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
          tabIndex={0}
          className="min-h-0 grow overflow-y-auto focus-visible:-outline-offset-2"
        >
          <div
            ref={content}
            className="mx-auto flex min-h-full max-w-(--column) flex-col gap-7 px-5 pt-7 pb-9"
          >
            {messages.length === 0 && <EmptyState local={elsewhere.length === 0} onChoose={choose} />}
            {messages.map((message, index) => {
              const isLast = index === messages.length - 1;
              return message.role === "user" ? (
                <Question key={message.id} message={message} />
              ) : (
                <Answer
                  key={message.id}
                  message={message}
                  streaming={streaming && isLast}
                  onAgain={isLast && !answering && !error ? again : undefined}
                />
              );
            })}
            <PhaseLine phase={phase} />
            {error && (
              <ChatError
                error={error}
                onRetry={again}
                onEdit={edit}
                onNew={begin}
                onModelMissing={onModelMissing}
              />
            )}
          </div>
        </section>
        <div className="relative before:pointer-events-none before:absolute before:inset-x-0 before:-top-6 before:h-6 before:bg-linear-to-t before:from-background">
          {away && (
            <Tooltip content={t("chat.latest")}>
              <Button
                variant="outline"
                size="icon"
                aria-label={t("chat.latest")}
                onClick={toEnd}
                className="absolute -top-12 left-1/2 -translate-x-1/2 animate-rise rounded-full shadow-raised"
              >
                <ArrowDown />
              </Button>
            </Tooltip>
          )}
          <Composer
            field={field}
            draft={draft}
            onDraft={setDraft}
            pictures={pictures}
            answering={answering}
            onSend={submit}
            onStop={() => void stop()}
            elsewhere={elsewhere}
          />
        </div>
      </main>
      <SpokenAnswer text={spoken} finished={!answering} />
      {dragged && <DropHint />}
    </div>
  );
}

function DropHint() {
  const { t } = useTranslation();
  return (
    <div className="pointer-events-none absolute inset-3 z-40 grid animate-pop place-items-center rounded-2xl border-2 border-ring border-dashed bg-background/90">
      <p className="flex items-center gap-3 font-medium text-lg text-primary">
        <ImagePlus aria-hidden="true" />
        {t("chat.composer.drop")}
      </p>
    </div>
  );
}
