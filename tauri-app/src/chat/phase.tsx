import { useTranslation } from "react-i18next";

/** What the chat is doing: `null` when nothing was asked yet. */
export type Phase = "loading" | "thinking" | "answering" | "finished" | "stopped" | null;

/** Says what happens. Seen while there is no text yet; spoken at every change. */
export function PhaseLine({ phase }: { phase: Phase }) {
  const { t } = useTranslation();
  const seen = phase === "loading" || phase === "thinking";
  return (
    <div role="status" className={seen ? "flex items-center gap-2.5 text-muted-foreground" : "sr-only"}>
      {seen && <span aria-hidden="true" className="size-2 animate-breathe rounded-full bg-primary" />}
      {phase && t(`chat.status.${phase}`)}
    </div>
  );
}
