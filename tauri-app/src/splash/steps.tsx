import { useTranslation } from "react-i18next";
import { cn } from "@/components/ui/class-names";
import { STEPS, type Step } from "./stage";

/** How far the launch has come. */
export function Steps({ current }: { current: Step }) {
  const { t } = useTranslation();
  const at = STEPS.indexOf(current);
  return (
    <ol aria-label={t("splash.steps.label")} className="mb-6 flex gap-1.5">
      {STEPS.map((step, index) => (
        <li
          key={step}
          aria-current={index === at ? "step" : undefined}
          className={cn("h-1 grow rounded-full", index <= at ? "bg-primary" : "bg-accent")}
        >
          <span className="sr-only">{t(`splash.steps.names.${step}`)}</span>
        </li>
      ))}
    </ol>
  );
}
