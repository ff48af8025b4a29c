import { Download, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { formatBytes } from "@/i18n/quantity";
import { hostOf } from "./mirror";
import { defaultMirror, type Stage } from "./stage";

type ConsentProps = {
  stage: Extract<Stage, { name: "consent" }>;
  onAgree: (mirror: string) => void;
};

/** What will be fetched, from where and how large; nothing is fetched before the person agrees. */
export function Consent({ stage: { model, doneBytes, totalBytes }, onAgree }: ConsentProps) {
  const { t, i18n } = useTranslation();
  const bytes = (count: number) => formatBytes(count, i18n.language);
  const mirror = defaultMirror(model);
  const begun = doneBytes > 0;
  return (
    <section aria-labelledby="consent-title">
      <h1 id="consent-title" className="font-semibold text-2xl leading-snug tracking-tight">
        {t("splash.consent.title")}
      </h1>
      <p className="mt-3 text-muted-foreground">{t("splash.consent.body")}</p>
      <dl className="mt-6 divide-y rounded-2xl border bg-card px-5 shadow-raised">
        <Fact term={t("splash.consent.model")} detail={model.displayName} more={model.repository} />
        <Fact term={t("splash.consent.source")} detail={hostOf(mirror)} />
        <Fact
          term={t("splash.consent.size")}
          detail={
            totalBytes === null
              ? t("splash.consent.sizeUnknown")
              : begun
                ? t("splash.consent.sizeLeft", {
                    left: bytes(Math.max(0, totalBytes - doneBytes)),
                    total: bytes(totalBytes),
                  })
                : bytes(totalBytes)
          }
        />
      </dl>
      <Button size="lg" className="mt-6 w-full" onClick={() => onAgree(mirror)}>
        <Download />
        {t(begun ? "splash.consent.continue" : "splash.consent.download")}
      </Button>
      <p className="mt-4 flex items-center justify-center gap-2 text-[0.8125rem] text-muted-foreground">
        <ShieldCheck aria-hidden="true" className="size-4 shrink-0" />
        {t("splash.consent.promise")}
      </p>
    </section>
  );
}

function Fact({ term, detail, more }: { term: string; detail: ReactNode; more?: string }) {
  return (
    <div className="flex items-baseline justify-between gap-6 py-3">
      <dt className="shrink-0 text-muted-foreground text-sm">{term}</dt>
      <dd className="selectable min-w-0 text-right font-medium">
        {detail}
        {more && <span className="block break-words font-normal text-muted-foreground text-xs">{more}</span>}
      </dd>
    </div>
  );
}
