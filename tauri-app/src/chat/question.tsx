import { Pencil } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { type ChatMessage, isUnreadable, picturesOf, textOf } from "./message";
import { Thumbnail } from "./thumbnail";

type QuestionProps = {
  message: ChatMessage;
  /** It could not be answered, and the chat goes on without it. */
  leftOut: boolean;
  /** Absent while something is being asked. */
  onEdit?: ((messageId: string) => void) | undefined;
};

/** What the person wrote and showed. */
export const Question = memo(function Question({ message, leftOut, onEdit }: QuestionProps) {
  const { t } = useTranslation();
  const text = textOf(message);
  const pictures = picturesOf(message);
  return (
    <article
      aria-label={t("chat.you")}
      className="group/question flex animate-rise flex-col items-end gap-2 pl-10"
    >
      {pictures.length > 0 && (
        <div className="flex flex-wrap justify-end gap-2">
          {pictures.map((url) => (
            <Thumbnail key={url} url={url} className="size-28" whole={pictures.length === 1} />
          ))}
        </div>
      )}
      <div className="flex max-w-full items-end gap-1">
        {onEdit && (
          <Tooltip content={t("chat.question.edit")}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={t("chat.question.edit")}
              onClick={() => onEdit(message.id)}
              className="mb-1 opacity-0 focus-visible:opacity-100 group-hover/question:opacity-100"
            >
              <Pencil />
            </Button>
          </Tooltip>
        )}
        {text !== "" && (
          <p className="selectable min-w-0 whitespace-pre-wrap rounded-2xl rounded-br-md bg-bubble px-4 py-2.5 [overflow-wrap:anywhere]">
            {text}
          </p>
        )}
      </div>
      {isUnreadable(message) && (
        <p className="text-[0.8125rem] text-muted-foreground">{t("chat.unreadable")}</p>
      )}
      {leftOut && <p className="text-[0.8125rem] text-muted-foreground">{t("chat.refused")}</p>}
    </article>
  );
});
