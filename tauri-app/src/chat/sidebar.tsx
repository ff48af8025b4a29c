import { PanelLeft, Plus, Search, X } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Mark } from "@/components/mark";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Tooltip } from "@/components/ui/tooltip";
import { RpcError } from "@/rpc/error";
import type { Session } from "@/rpc/gen/protocol";
import { byDays } from "./chat-days";
import { ChatEntry } from "./chat-entry";
import type { Chats } from "./use-chats";

type SidebarProps = {
  chats: Chats;
  /** The chat on screen. */
  current: string | null;
  onOpen: (sessionId: string) => void;
  onNew: () => void;
  onClose: () => void;
  onDeleted: (sessionId: string) => void;
  /** It lies over the conversation, and has the focus. */
  over: boolean;
  className?: string | undefined;
};

/** All chats: found, opened, renamed and deleted here. */
export function Sidebar({
  chats,
  current,
  onOpen,
  onNew,
  onClose,
  onDeleted,
  over,
  className,
}: SidebarProps) {
  const { t } = useTranslation();
  const [kept, setKept] = useState<RpcError | null>(null);
  const list = useRef<HTMLElement>(null);

  const entries = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-chat]") ?? [])];

  function move(event: KeyboardEvent) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const all = entries();
    const at = all.indexOf(event.target as HTMLElement);
    if (step !== 0 && at >= 0) {
      event.preventDefault();
      all[at + step]?.focus();
    }
  }

  /** The shell asks the person once more, as there is no way back. */
  async function remove({ id }: Session) {
    setKept(null);
    const all = entries();
    const at = all.findIndex((entry) => entry.dataset.chat === id);
    try {
      await chats.remove(id);
    } catch (cause) {
      const error = RpcError.from(cause);
      // Whoever did not agree knows that it is still there.
      setKept(error.kind === "consent_refused" ? null : error);
      return;
    }
    onDeleted(id);
    // Whoever went through the list goes on from there.
    (all[at + 1] ?? all[at - 1])?.focus();
  }

  return (
    <aside
      aria-label={t("chat.chats.label")}
      className={cn("flex h-full w-[17.5rem] shrink-0 flex-col border-r bg-sidebar", className)}
    >
      <div className="flex h-(--header) shrink-0 items-center justify-between pr-2 pl-4">
        <p className="flex items-center gap-2.5 font-semibold tracking-tight">
          <Mark className="size-6" />
          {t("app.name")}
        </p>
        <Tooltip content={t("chat.chats.hide")}>
          <Button variant="ghost" size="icon" aria-label={t("chat.chats.hide")} onClick={onClose}>
            <PanelLeft />
          </Button>
        </Tooltip>
      </div>
      <div className="grid gap-2 px-3 pt-1 pb-3">
        <Button variant="outline" className="justify-start px-3 shadow-raised" onClick={onNew}>
          <Plus />
          {t("chat.new")}
        </Button>
        <SearchField
          value={chats.search}
          onChange={chats.setSearch}
          focused={over}
          onDown={() => entries()[0]?.focus()}
        />
      </div>
      <nav
        ref={list}
        aria-label={t("chat.chats.list")}
        onKeyDown={move}
        className="min-h-0 grow overflow-y-auto px-2 pb-4"
      >
        {kept && <ErrorNote error={kept} className="mx-1 mb-2" />}
        <Entries
          chats={chats}
          current={current}
          onOpen={onOpen}
          onDelete={(session) => void remove(session)}
        />
      </nav>
    </aside>
  );
}

type EntriesProps = Pick<SidebarProps, "chats" | "current" | "onOpen"> & {
  onDelete: (session: Session) => void;
};

function Entries({ chats, current, onOpen, onDelete }: EntriesProps) {
  const { t } = useTranslation();
  const entry = (session: Session) => (
    <ChatEntry
      key={session.id}
      session={session}
      current={session.id === current}
      answering={chats.answering.has(session.id)}
      onOpen={() => onOpen(session.id)}
      onRename={(title) => chats.rename(session.id, title)}
      onDelete={() => onDelete(session)}
    />
  );
  return (
    <>
      {chats.error && (
        <ErrorNote error={chats.error} onRetry={() => void chats.read()} className="mx-1 mb-2" />
      )}
      {chats.known && chats.chats.length === 0 && !chats.error && (
        <p className="px-3 py-2 text-muted-foreground text-sm">
          {t(chats.words === "" ? "chat.chats.none" : "chat.chats.notFound")}
        </p>
      )}
      {chats.words === "" ? (
        byDays(chats.chats, Date.now()).map(([days, sessions]) => (
          <section key={days} aria-labelledby={`chats-${days}`} className="mb-3">
            <h2 id={`chats-${days}`} className="px-3 pt-1 pb-1 font-medium text-muted-foreground text-xs">
              {t(`chat.chats.days.${days}`)}
            </h2>
            <ul>{sessions.map(entry)}</ul>
          </section>
        ))
      ) : (
        <ul>{chats.chats.map(entry)}</ul>
      )}
      {chats.cursor !== null && (
        <Button variant="ghost" size="sm" className="w-full" onClick={() => void chats.readOn()}>
          {t("chat.chats.more")}
        </Button>
      )}
    </>
  );
}

type SearchFieldProps = {
  value: string;
  onChange: (words: string) => void;
  focused: boolean;
  onDown: () => void;
};

function SearchField({ value, onChange, focused, onDown }: SearchFieldProps) {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);

  function press(event: KeyboardEvent) {
    if (event.key === "Escape" && value !== "") {
      event.stopPropagation();
      onChange("");
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      onDown();
    }
  }

  return (
    <div className="relative">
      <Search
        aria-hidden="true"
        className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted-foreground"
      />
      <input
        ref={field}
        type="search"
        // biome-ignore lint/a11y/noAutofocus: the list that it belongs to has just been opened, over all else.
        autoFocus={focused}
        aria-label={t("chat.chats.search")}
        placeholder={t("chat.chats.search")}
        maxLength={500}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={press}
        className="selectable h-9 w-full appearance-none rounded-lg border border-input bg-card pr-8 pl-9 text-sm placeholder:text-muted-foreground [&::-webkit-search-cancel-button]:hidden"
      />
      {value !== "" && (
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label={t("chat.chats.clear")}
          className="absolute top-0.5 right-0.5"
          onClick={() => {
            onChange("");
            field.current?.focus();
          }}
        >
          <X />
        </Button>
      )}
    </div>
  );
}
