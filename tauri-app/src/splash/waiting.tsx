import { RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import type { Step } from "./stage";

/** A stage that nobody can hurry: its name, and that it is being worked on. `children` say more, if there is more. */
export function Waiting({ step, children }: { step: Step; children?: ReactNode }) {
  const { t } = useTranslation();
  const title = t(`splash.steps.${step}`);
  return (
    <div className="grid gap-4">
      <div role="status">
        <h1 className="text-muted-foreground">{title}</h1>
      </div>
      <Progress value={null} aria-label={title} className="h-1" />
      {children}
    </div>
  );
}

type SlowProps = { hint: string; onRetry?: () => void; onGoOn?: () => void };

/** What helps where a stage takes longer than it ever should: another try, or a way past it, where there is one. */
export function Slow({ hint, onRetry, onGoOn }: SlowProps) {
  const { t } = useTranslation();
  return (
    <>
      <p role="alert" className="text-muted-foreground text-sm">
        {hint}
      </p>
      {onRetry && (
        <Button variant="outline" onClick={onRetry}>
          <RotateCw />
          {t("splash.error.retry")}
        </Button>
      )}
      {onGoOn && (
        <Button variant="outline" onClick={onGoOn}>
          {t("splash.error.goOn")}
        </Button>
      )}
    </>
  );
}
