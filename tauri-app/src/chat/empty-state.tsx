import { Image, Lightbulb, type LucideIcon, MessageCircle, Tags } from "lucide-react";
import { useTranslation } from "react-i18next";

export type Suggestion = "picture" | "tags" | "explain" | "introduce";

const SUGGESTIONS: readonly [Suggestion, LucideIcon][] = [
  ["picture", Image],
  ["tags", Tags],
  ["explain", Lightbulb],
  ["introduce", MessageCircle],
];

type EmptyStateProps = {
  /** All jobs are done on this computer. */
  local: boolean;
  onChoose: (suggestion: Suggestion) => void;
};

/** A chat without a message yet: what one could begin with. */
export function EmptyState({ local, onChoose }: EmptyStateProps) {
  const { t } = useTranslation();
  return (
    <div className="flex grow animate-rise flex-col justify-center pb-8">
      <h2 className="font-semibold text-[1.75rem] leading-tight tracking-tight">{t("chat.empty.title")}</h2>
      <p className="mt-2 text-muted-foreground">
        {t(local ? "chat.empty.body" : "chat.empty.bodyElsewhere")}
      </p>
      <ul aria-label={t("chat.suggestions.label")} className="mt-8 grid gap-3 sm:grid-cols-2">
        {SUGGESTIONS.map(([name, Icon]) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => onChoose(name)}
              className="flex h-full w-full items-start gap-3.5 rounded-2xl border bg-card p-4 text-left transition-colors duration-150 hover:border-input hover:bg-muted"
            >
              <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-primary-soft text-primary">
                <Icon aria-hidden="true" className="size-[1.125rem]" />
              </span>
              <span>
                <span className="block font-medium">{t(`chat.suggestions.${name}.title`)}</span>
                <span className="block text-[0.8125rem] text-muted-foreground">
                  {t(`chat.suggestions.${name}.body`)}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
