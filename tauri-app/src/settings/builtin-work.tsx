import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import { formatBytes } from "@/i18n/quantity";
import type { Work } from "./builtin-state";

/** How far a check, a download or an import is. */
export function BuiltinWork({ work, onCancel }: { work: Work; onCancel: () => void }) {
  const { t, i18n } = useTranslation();
  const { kind, percent, doneBytes, totalBytes, cancelling } = work;
  const bytes = (count: number) => formatBytes(count, i18n.language);
  return (
    <div className="grid animate-rise gap-2.5 border-t px-5 py-4">
      <div className="flex items-baseline justify-between gap-4 text-sm">
        <p role="status">{t(`settings.builtin.work.${kind}`)}</p>
        <p className="text-muted-foreground tabular-nums">
          {totalBytes !== null &&
            t("settings.builtin.amount", { done: bytes(doneBytes), total: bytes(totalBytes) })}
        </p>
      </div>
      <div className="flex items-center gap-4">
        <Progress value={percent} aria-label={t("settings.builtin.progress")} />
        <Button variant="outline" size="sm" disabled={cancelling} onClick={onCancel}>
          {t("settings.cancel")}
        </Button>
      </div>
    </div>
  );
}
