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

/** What helps where a stage takes longer than it ever should, and a way past it where there is one. */
export function Slow({ hint, onGoOn }: { hint: string; onGoOn?: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <p role="alert" className="text-muted-foreground text-sm">
        {hint}
      </p>
      {onGoOn && (
        <Button variant="outline" onClick={onGoOn}>
          {t("splash.error.goOn")}
        </Button>
      )}
    </>
  );
}
