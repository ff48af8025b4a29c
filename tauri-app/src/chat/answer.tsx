import { Check, Copy, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Tooltip } from "@/components/ui/tooltip";
import { useCopy } from "@/components/use-copy";
import { Markdown } from "./markdown";
import { type ChatMessage, textOf } from "./message";

type AnswerProps = {
  message: ChatMessage;
  streaming: boolean;
  /** Only the last answer can be asked for again. */
  onAgain?: (() => void) | undefined;
};

/** What the model answered, and what can be done with it. */
export function Answer({ message, streaming, onAgain }: AnswerProps) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const text = textOf(message);
  const ending = message.metadata?.ending;
  return (
    <article aria-label={t("app.name")} aria-busy={streaming} className="group/answer animate-rise">
      {text !== "" && <Markdown text={text} streaming={streaming} />}
      {ending === "stopped" && <Note>{t("chat.answer.stopped")}</Note>}
      {ending === "length" && <Note>{t("chat.answer.lengthLimit")}</Note>}
      {!streaming && (
        <div
          className={cn(
            "-ml-2 mt-1 flex gap-0.5 transition-opacity duration-150",
            !onAgain && "opacity-0 focus-within:opacity-100 group-hover/answer:opacity-100",
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
          {onAgain && (
            <Tooltip content={t("chat.answer.again")}>
              <Button variant="ghost" size="icon-sm" aria-label={t("chat.answer.again")} onClick={onAgain}>
                <RotateCw />
              </Button>
            </Tooltip>
          )}
          <span role="status" className="sr-only">
            {copied ? t("chat.answer.copied") : ""}
          </span>
        </div>
      )}
    </article>
  );
}

function Note({ children }: { children: string }) {
  return <p className="mt-2 text-[0.8125rem] text-muted-foreground">{children}</p>;
}
