import { Ellipsis, Globe, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import type { Session } from "@/rpc/gen/protocol";
import { Snippet } from "./snippet";
import { TitleField } from "./title-field";

type ChatEntryProps = {
  session: Session;
  current: boolean;
  answering: boolean;
  onOpen: () => void;
  onRename: (title: string) => Promise<void>;
  onDelete: () => void;
};

/** One chat in the list. */
export function ChatEntry({ session, current, answering, onOpen, onRename, onDelete }: ChatEntryProps) {
  const { t } = useTranslation();
  const [renaming, setRenaming] = useState<"no" | "yes" | "ending">("no");
  const button = useRef<HTMLButtonElement>(null);
  const title = session.title || t("chat.chats.untitled");
  const found = session.snippet !== null && bare(session.snippet) !== session.title ? session.snippet : null;

  useEffect(() => {
    if (renaming === "ending") {
      // The field has the focus until then: WebKit's accessibility tree may crash when what has it is removed.
      button.current?.focus();
      setRenaming("no");
    }
  }, [renaming]);

  function press(event: KeyboardEvent) {
    if (event.key === "F2") {
      setRenaming("yes");
    } else if (event.key === "Delete") {
      onDelete();
    }
  }

  return (
    <li className="group/chat relative">
      {renaming !== "no" && (
        <div className="px-1 py-0.5">
          <TitleField title={session.title} onRename={onRename} onClose={() => setRenaming("ending")} />
        </div>
      )}
      <button
        ref={button}
        hidden={renaming === "yes"}
        type="button"
        data-chat={session.id}
        aria-current={current ? "page" : undefined}
        onClick={onOpen}
        onKeyDown={press}
        className={cn(
          "w-full rounded-lg py-1.5 pr-9 pl-3 text-left text-sm transition-colors duration-150 hover:bg-accent/60 focus-visible:-outline-offset-2",
          current && "bg-accent font-medium hover:bg-accent",
        )}
      >
        <span className="flex items-center gap-2">
          <span className="truncate" title={title}>
            {title}
          </span>{" "}
          {session.leavesComputer && (
            <Globe
              role="img"
              aria-label={t("chat.leaves.chat")}
              className="size-3.5 shrink-0 text-muted-foreground"
            />
          )}
          {answering && (
            <span
              role="img"
              aria-label={t("chat.chats.answering")}
              className="size-1.5 shrink-0 animate-breathe rounded-full bg-primary"
            />
          )}
        </span>{" "}
        {found && <Snippet text={found} />}
      </button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={t("chat.chats.options", { title })}
            hidden={renaming === "yes"}
            className={cn(
              "absolute top-0.5 right-1 size-7 opacity-0 focus-visible:opacity-100 group-hover/chat:opacity-100 data-[state=open]:opacity-100",
              current && "opacity-100",
            )}
          >
            <Ellipsis />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent
          align="end"
          onCloseAutoFocus={(event) => renaming !== "no" && event.preventDefault()}
        >
          <DropdownMenuItem onSelect={() => setRenaming("yes")}>
            <Pencil />
            {t("chat.chats.rename")}
          </DropdownMenuItem>
          <DropdownMenuItem onSelect={onDelete}>
            <Trash2 />
            {t("chat.chats.delete")}
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </li>
  );
}

function bare(snippet: string): string {
  return snippet.replace(/[«»]/g, "");
}
