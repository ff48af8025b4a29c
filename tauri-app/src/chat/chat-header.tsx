import { Globe, PanelLeft, SquarePen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/components/mark";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { HelpButton } from "@/help/help";
import { PreferencesMenu } from "@/preferences/preferences-menu";
import type { Session } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";

type ChatHeaderProps = {
  sidecar: Sidecar;
  /** Null: a chat that nothing was asked in yet. */
  chat: Session | null;
  /** The list of chats is not on screen: what is in it is reached from here. */
  alone: boolean;
  onShowChats: () => void;
  onNew: () => void;
};

/** Which chat this is. */
export function ChatHeader({ sidecar, chat, alone, onShowChats, onNew }: ChatHeaderProps) {
  const { t } = useTranslation();
  const title = chat && (chat.title || t("chat.chats.untitled"));
  return (
    <header className="flex h-(--header) shrink-0 items-center gap-1 border-b px-3">
      {alone && (
        <>
          <Tooltip content={t("chat.chats.show")}>
            <Button variant="ghost" size="icon" aria-label={t("chat.chats.show")} onClick={onShowChats}>
              <PanelLeft />
            </Button>
          </Tooltip>
          <Tooltip content={t("chat.new")}>
            <Button variant="ghost" size="icon" aria-label={t("chat.new")} onClick={onNew}>
              <SquarePen />
            </Button>
          </Tooltip>
        </>
      )}
      <div className="flex min-w-0 grow items-center gap-3 px-1.5">
        {alone && !title && <Mark className="size-6" />}
        <h1
          title={title ?? undefined}
          className={title || alone ? "truncate font-semibold tracking-tight" : "sr-only"}
        >
          {title ?? t("app.name")}
        </h1>
        {chat?.leavesComputer && (
          <Tooltip content={t("chat.leaves.explained")}>
            {/* It does nothing, but what is explained on it must be there for the keyboard, too. */}
            <button
              type="button"
              className="flex shrink-0 cursor-default items-center gap-1.5 rounded-full border px-2.5 py-0.5 text-muted-foreground text-xs"
            >
              <Globe aria-hidden="true" className="size-3.5" />
              <span className="max-sm:sr-only">{t("chat.leaves.chat")}</span>
            </button>
          </Tooltip>
        )}
      </div>
      <HelpButton />
      <PreferencesMenu sidecar={sidecar} />
    </header>
  );
}
