import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { formatSeconds } from "@/i18n/quantity";
import type { Trial } from "./use-trial";

/** The question, the answer, the model and its time. */
export function TrialView({ trial, onClose }: { trial: Trial; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const { question, picture, model } = trial;
  return (
    <div className="relative animate-rise rounded-xl bg-muted px-4 py-3 text-sm">
      <Button
        variant="ghost"
        size="icon-sm"
        aria-label={t("settings.close")}
        onClick={onClose}
        className="absolute top-2 right-2"
      >
        <X />
      </Button>
      <div className="flex items-start gap-3 pr-9">
        {picture && (
          <img
            src={picture}
            alt={t("settings.capabilities.try.picture")}
            className="size-12 shrink-0 rounded-lg border"
          />
        )}
        <div className="min-w-0 grow">
          <p className="text-muted-foreground">{question}</p>
          <div role="status" className="mt-1">
            {trial.state === "running" && (
              <p className="animate-breathe">{t("settings.capabilities.try.running", { model })}</p>
            )}
            {trial.state === "answered" && (
              <>
                <p className="selectable whitespace-pre-wrap break-words font-medium">
                  {trial.answer || t("settings.capabilities.try.empty")}
                </p>
                <p className="mt-1 text-muted-foreground text-xs">
                  {t("settings.capabilities.try.by", {
                    model,
                    time: formatSeconds(trial.seconds, i18n.language),
                  })}
                </p>
              </>
            )}
          </div>
        </div>
      </div>
      {trial.state === "failed" && <ErrorNote error={trial.error} className="mt-2" />}
    </div>
  );
}
