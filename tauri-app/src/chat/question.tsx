import { useTranslation } from "react-i18next";
import { type ChatMessage, picturesOf, textOf } from "./message";
import { Thumbnail } from "./thumbnail";

/** What the person wrote and showed. */
export function Question({ message }: { message: ChatMessage }) {
  const { t } = useTranslation();
  const text = textOf(message);
  const pictures = picturesOf(message);
  return (
    <article aria-label={t("chat.you")} className="flex animate-rise flex-col items-end gap-2 pl-10">
      {pictures.length > 0 && (
        <div className="flex flex-wrap justify-end gap-2">
          {pictures.map(({ url, filename, mediaType }) => (
            <Thumbnail
              key={url}
              url={url}
              name={filename ?? ""}
              mime={mediaType}
              className="size-28"
              whole={pictures.length === 1}
            />
          ))}
        </div>
      )}
      {text !== "" && (
        <p className="selectable whitespace-pre-wrap rounded-2xl rounded-br-md bg-bubble px-4 py-2.5 [overflow-wrap:anywhere]">
          {text}
        </p>
      )}
      {message.metadata?.refused && (
        <p className="text-[0.8125rem] text-muted-foreground">{t("chat.refused")}</p>
      )}
    </article>
  );
}
