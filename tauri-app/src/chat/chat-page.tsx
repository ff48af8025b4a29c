import { ArrowDown, ImagePlus } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import type { Sidecar } from "@/rpc/sidecar";
import { ChatError } from "./chat-error";
import { ChatHeader } from "./chat-header";
import { Composer } from "./composer";
import { EmptyState, type Suggestion } from "./empty-state";
import { partsOf } from "./message";
import { Messages } from "./messages";
import { PhaseLine } from "./phase";
import { Sidebar } from "./sidebar";
import { SpokenAnswer } from "./spoken-answer";
import { useChats } from "./use-chats";
import { useConversation } from "./use-conversation";
import { useDamaged } from "./use-damaged";
import { useDraft } from "./use-draft";
import { useDrop } from "./use-drop";
import { useElsewhere } from "./use-elsewhere";
import { useFollow } from "./use-follow";
import { useSidebar } from "./use-sidebar";

export function ChatPage({ sidecar, onModelMissing }: { sidecar: Sidecar; onModelMissing: () => void }) {
  const { t } = useTranslation();
  const chats = useChats(sidecar);
  const conversation = useConversation(sidecar, chats.remove);
  const { sessionId, messages, answering, phase, error, spoken } = conversation;
  const draft = useDraft();
  const { pictures } = draft;
  const elsewhere = useElsewhere(sidecar);
  const damaged = useDamaged(sidecar, messages.at(-1)?.kind ?? null);
  const dragged = useDrop(pictures);
  const sidebar = useSidebar();
  const field = useRef<HTMLTextAreaElement>(null);
  const view = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd, hold } = useFollow(view, content, messages.length > 0 || error !== null);
  /** Counts the chats that came on screen one after the other. */
  const visit = useRef(0);

  const toField = useCallback(() => field.current?.focus(), []);
  const over = !sidebar.wide && sidebar.open;
  const wasOver = useRef(false);

  useEffect(() => {
    if (wasOver.current && !over) {
      // Not before: what lies below the list cannot have the focus.
      toField();
    }
    wasOver.current = over;
  }, [over, toField]);

  const { setOpen } = sidebar;
  const putAway = useCallback(() => {
    // WebKit's accessibility tree may crash when the field that has the focus is removed.
    if (document.activeElement instanceof HTMLElement) {
      document.activeElement.blur();
    }
    setOpen(false);
    toField();
  }, [setOpen, toField]);

  const { open } = conversation;
  const { change } = draft;
  const show = useCallback(
    (id: string | null) => {
      if (id !== sessionId) {
        visit.current += 1;
        change(sessionId, id);
        open(id);
      }
      if (over) {
        putAway();
      }
      toEnd();
      toField();
    },
    [sessionId, change, open, toEnd, over, putAway, toField],
  );
  const begin = useCallback(() => show(null), [show]);

  function write(text: string) {
    draft.setText(text);
    toField();
  }

  async function submit() {
    const sent = { text: draft.text.trim(), pictures: pictures.attached };
    const [from, here] = [sessionId, visit.current];
    draft.clear();
    toEnd();
    toField();
    if (await conversation.send(partsOf(sent.text, sent.pictures))) {
      // Nothing was asked: the question goes back to where it was written.
      if (visit.current === here) {
        draft.giveBack(sent);
      } else {
        draft.keep(from, sent);
      }
    }
  }

  function choose(suggestion: Suggestion) {
    write(t(`chat.suggestions.${suggestion}.prompt`));
    if (suggestion === "picture") {
      void pictures.pick().then(toField);
    }
  }

  function leave(event: KeyboardEvent) {
    if (event.key === "Escape" && !event.defaultPrevented) {
      putAway();
    }
  }

  const list = sidebar.open && (
    <Sidebar
      chats={chats}
      current={sessionId}
      onOpen={show}
      onNew={begin}
      over={over}
      onClose={putAway}
      onDeleted={(id) => {
        if (id === sessionId) {
          show(null);
        }
      }}
      className={sidebar.wide ? undefined : "animate-slide shadow-floating"}
    />
  );

  return (
    <div className="relative flex h-full">
      {sidebar.wide && list}
      <div inert={over} className="flex h-full min-w-0 grow flex-col">
        <ChatHeader
          sidecar={sidecar}
          chat={sessionId === null ? null : (chats.byId.get(sessionId) ?? null)}
          alone={!sidebar.wide || !sidebar.open}
          onShowChats={() => sidebar.setOpen(true)}
          onNew={begin}
        />
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
              {messages.length === 0 && conversation.known && (
                <EmptyState local={elsewhere.length === 0} onChoose={choose} />
              )}
              <Messages
                conversation={conversation}
                onNew={begin}
                onModelMissing={onModelMissing}
                damaged={damaged}
                onOlder={() => {
                  hold();
                  void conversation.readOlder();
                }}
                onLeave={toField}
              />
              <PhaseLine phase={phase} />
              {error && (
                <ChatError
                  error={error}
                  onRetry={sessionId !== null && !conversation.known ? conversation.read : undefined}
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
              draft={draft.text}
              onDraft={draft.setText}
              pictures={pictures}
              answering={answering}
              onSend={() => void submit()}
              onStop={() => void conversation.stop()}
              elsewhere={elsewhere}
            />
          </div>
        </main>
      </div>
      {over && (
        // biome-ignore lint/a11y/noStaticElementInteractions: the scrim; Escape and the button in it close it, too.
        <div
          className="absolute inset-0 z-30 bg-scrim"
          onKeyDown={leave}
          onClick={(event) => {
            if (event.target === event.currentTarget) {
              putAway();
            }
          }}
        >
          {list}
        </div>
      )}
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
