import { Download, FolderInput, RotateCw, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { formatBytes } from "@/i18n/quantity";
import type { ComputerDescription } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { useComputer, useFacts, Verdict } from "./computer";
import { hostOf } from "./mirror";
import type { Stage } from "./stage";

type ConsentProps = {
  stage: Extract<Stage, { name: "consent" }>;
  sidecar: Sidecar;
  onAgree: (mirror: string) => void;
  onImport: () => void;
};

/** What will be fetched, from where and how large, and whether it can run here; nothing is fetched before the person
 * agrees. */
export function Consent({ stage, sidecar, onAgree, onImport }: ConsentProps) {
  const { t, i18n } = useTranslation();
  const { model, doneBytes, totalBytes, mirror, refusal } = stage;
  const { computer, settled, again } = useComputer(sidecar, model.id);
  const unable = computer?.fit.verdict === "unable";
  const bytes = (count: number) => formatBytes(count, i18n.language);
  const begun = doneBytes > 0;
  return (
    <section aria-labelledby="consent-title">
      <h1 id="consent-title" className="font-semibold text-[1.375rem] leading-snug tracking-tight">
        {t("splash.consent.title")}
      </h1>
      <p className="mt-2 text-muted-foreground">{t("splash.consent.body")}</p>
      <dl className="mt-5 divide-y rounded-2xl border bg-card px-5 shadow-raised">
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
        {computer && <ComputerFact computer={computer} />}
      </dl>
      {computer && <Verdict computer={computer} />}
      {refusal && <Refusal refusal={refusal} />}
      {unable ? (
        // A download and an import alike would end in the same reason: what is offered is to look once more.
        <>
          <Button variant="outline" size="lg" className="mt-5 w-full" onClick={again}>
            <RotateCw />
            {t("splash.computer.again")}
          </Button>
          <p className="mt-3 text-muted-foreground text-sm">{t("splash.computer.instead")}</p>
        </>
      ) : (
        <>
          <Button size="lg" className="mt-5 w-full" disabled={!settled} onClick={() => onAgree(mirror)}>
            <Download />
            {t(begun ? "splash.consent.continue" : "splash.consent.download")}
          </Button>
          <Button
            variant="ghost"
            className="mt-2 h-auto min-h-9 w-full whitespace-normal"
            disabled={!settled}
            onClick={onImport}
          >
            <FolderInput />
            {t("splash.consent.import")}
          </Button>
          <p className="mt-3 flex items-center justify-center gap-2 text-[0.8125rem] text-muted-foreground">
            <ShieldCheck aria-hidden="true" className="size-4 shrink-0" />
            {t("splash.consent.promise")}
          </p>
        </>
      )}
    </section>
  );
}

function ComputerFact({ computer }: { computer: ComputerDescription }) {
  const { t } = useTranslation();
  const { name, more } = useFacts(computer);
  return <Fact term={t("splash.computer.label")} detail={name} more={more} />;
}

/** Why the folder that the person chose was not taken. */
function Refusal({ refusal }: { refusal: NonNullable<ConsentProps["stage"]["refusal"]> }) {
  const { t } = useTranslation();
  const { title, hint } = errorText(t, refusal);
  return (
    <div role="alert" className="mt-4 rounded-xl bg-destructive-soft px-4 py-3 text-sm">
      <p className="font-medium">{title}</p>
      <p className="text-muted-foreground">{hint}</p>
    </div>
  );
}

function Fact({ term, detail, more }: { term: string; detail: ReactNode; more?: string }) {
  return (
    <div className="flex items-baseline justify-between gap-6 py-2.5">
      <dt className="shrink-0 text-muted-foreground text-sm">{term}</dt>
      <dd className="selectable min-w-0 text-right font-medium">
        {detail}
        {more && <span className="block break-words font-normal text-muted-foreground text-xs">{more}</span>}
      </dd>
    </div>
  );
}
