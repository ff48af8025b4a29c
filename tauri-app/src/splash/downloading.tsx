import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import { formatBytes, formatDuration, formatSpeed } from "@/i18n/quantity";
import { hostOf } from "./mirror";
import type { Stage } from "./stage";

type DownloadingProps = {
  stage: Extract<Stage, { name: "downloading" }>;
  onCancel: () => void;
};

export function Downloading({ stage: { model, from, transfer, cancelling }, onCancel }: DownloadingProps) {
  const { t, i18n } = useTranslation();
  const title = useId();
  const { percent, doneBytes, totalBytes, speed, secondsLeft, verifying, starting } = transfer;
  const bytes = (count: number) => formatBytes(count, i18n.language);
  const amount =
    totalBytes === null
      ? t("splash.downloading.bytesOnly", { done: bytes(doneBytes) })
      : t("splash.downloading.bytes", { done: bytes(doneBytes), total: bytes(totalBytes) });
  const pace = [
    speed !== null && formatSpeed(speed, i18n.language),
    secondsLeft !== null &&
      t("splash.downloading.timeLeft", { time: formatDuration(secondsLeft, i18n.language) }),
  ].filter((part) => part !== false);
  const mirror = typeof from === "object" ? from.mirror : null;
  const words = mirror !== null ? "downloading" : from === "folder" ? "importing" : "verifying";
  const heading = t(`splash.${words}.title`, { model: model.displayName });
  const phase = verifying
    ? t("splash.downloading.verifying")
    : starting
      ? mirror !== null
        ? t("splash.downloading.starting", { source: hostOf(mirror) })
        : t("splash.importing.starting")
      : pace.join(" · ");
  return (
    <section aria-labelledby={title}>
      <div className="flex items-baseline justify-between gap-4">
        <h1 id={title} className="min-w-0 font-semibold text-xl leading-snug tracking-tight">
          {heading}
        </h1>
        <p aria-hidden="true" className="shrink-0 font-medium text-muted-foreground tabular-nums">
          {Math.floor(percent)}%
        </p>
      </div>
      <Progress
        className="mt-5"
        value={starting && percent === 0 ? null : percent}
        getValueLabel={(value) => `${Math.floor(value)}%, ${amount}`}
        aria-label={t(`splash.${words}.bar`)}
      />
      <div className="mt-3 flex min-h-6 flex-wrap justify-between gap-x-4 text-muted-foreground text-sm tabular-nums">
        <p>{amount}</p>
        <p>{phase}</p>
      </div>
      {/* Only the change of phase is spoken; the bar tells the rest to whoever asks it. */}
      <p role="status" className="sr-only">
        {verifying || starting ? phase : heading}
      </p>
      <div className="mt-6 flex items-center justify-between gap-4">
        <p className="text-[0.8125rem] text-muted-foreground">{t(`splash.${words}.kept`)}</p>
        <Button variant="outline" onClick={onCancel} disabled={cancelling}>
          {t(cancelling ? "splash.downloading.cancelling" : "splash.downloading.cancel")}
        </Button>
      </div>
    </section>
  );
}
