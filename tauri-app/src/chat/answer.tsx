import { Check, Copy, Globe, RotateCw } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Spoken } from "@/components/spoken";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Tooltip } from "@/components/ui/tooltip";
import { useCopy } from "@/components/use-copy";
import { AnswerEnd, type WaysOn } from "./answer-end";
import { Markdown } from "./markdown";
import { type ChatMessage, isUnreadable, textOf } from "./message";

type AnswerProps = {
  message: ChatMessage;
  /** How many messages fewer were read for it than for the answer before. */
  droppedSince: number;
  /** What can be done with the last answer; absent for the others, and while something is being asked. */
  waysOn?: WaysOn | undefined;
  /** It has grown here: what happened to it is news. */
  live: boolean;
};

/** What a model answered, and what can be done with it. */
export const Answer = memo(function Answer({ message, droppedSince, waysOn, live }: AnswerProps) {
  const { t } = useTranslation();
  const text = textOf(message);
  const streaming = message.state === "streaming";
  return (
    <article aria-label={t("app.name")} aria-busy={streaming} className="group/answer animate-rise">
      {text !== "" && <Markdown text={text} streaming={streaming} />}
      {isUnreadable(message) && (
        <p className="text-[0.8125rem] text-muted-foreground">{t("chat.unreadable")}</p>
      )}
      {!streaming && (
        <>
          <AnswerEnd message={message} waysOn={waysOn} live={live} />
          {droppedSince > 0 && (
            <p className="mt-3 border-l-2 pl-3 text-[0.8125rem] text-muted-foreground">
              {t("chat.answer.dropped", { messages: message.droppedBefore })}
            </p>
          )}
          <Footer message={message} text={text} waysOn={waysOn} />
        </>
      )}
    </article>
  );
});

function Footer({
  message,
  text,
  waysOn,
}: {
  message: ChatMessage;
  text: string;
  waysOn?: WaysOn | undefined;
}) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  // Then there is a way on of its own.
  const brokenOff = message.state === "interrupted" && message.kind !== null;
  return (
    <div className="mt-1 flex min-h-8 items-center gap-2">
      <Source message={message} />
      <div
        className={cn(
          "flex gap-0.5 transition-opacity duration-150",
          !waysOn && "opacity-0 focus-within:opacity-100 group-hover/answer:opacity-100",
        )}
      >
        {text !== "" && (
          <Tooltip content={t(copied ? "chat.answer.copied" : "chat.answer.copy")}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={t("chat.answer.copy")}
              onClick={() => copy(text)}
            >
              {copied ? <Check className="text-primary" /> : <Copy />}
            </Button>
          </Tooltip>
        )}
        {waysOn && !brokenOff && (
          <Tooltip content={t("chat.answer.again")}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={t("chat.answer.again")}
              onClick={() => waysOn.onAgain(message.id)}
            >
              <RotateCw />
            </Button>
          </Tooltip>
        )}
      </div>
      <Spoken>{copied ? t("chat.answer.copied") : ""}</Spoken>
    </div>
  );
}

/** Who gave the answer, and whether the chat went to another computer for it. */
function Source({ message: { modelName, providerName, leavesComputer } }: { message: ChatMessage }) {
  const { t } = useTranslation();
  if (!modelName) {
    return null;
  }
  return (
    <p className="flex min-w-0 items-center gap-1.5 text-muted-foreground text-xs">
      {leavesComputer && <Globe aria-hidden="true" className="size-3.5 shrink-0" />}
      <span className="truncate">
        {leavesComputer
          ? t("chat.leaves.answer", { model: modelName, provider: providerName ?? "" })
          : modelName}
      </span>
    </p>
  );
}
