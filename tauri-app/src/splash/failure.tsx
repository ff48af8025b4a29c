import { FolderInput, RotateCw, Wrench } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { isMirror } from "./mirror";
import { type MirrorChoice, MirrorChooser } from "./mirror-chooser";
import type { Stage } from "./stage";
import { Trouble } from "./trouble";

type FailureProps = {
  stage: Extract<Stage, { name: "error" }>;
  onCheck: () => void;
  onRepair: (() => void) | null;
  onDownload: (mirror: string) => void;
  onImport: () => void;
  onScan: () => void;
  onSkipScan: () => void;
};

/** What went wrong in plain words, where to download from instead, and Retry; or the way without a download. */
export function Failure({
  stage,
  onCheck,
  onRepair,
  onDownload,
  onImport,
  onScan,
  onSkipScan,
}: FailureProps) {
  const { t } = useTranslation();
  const id = useId();
  const { step, error, mirror } = stage;
  const model = step === "model" ? stage.model : null;
  const { title, hint } = errorText(t, error);
  const known = model?.mirrors.includes(mirror) ?? false;
  const [choice, setChoice] = useState<MirrorChoice>({ listed: known, address: mirror });
  const [refused, setRefused] = useState(false);

  function retry(event: FormEvent) {
    event.preventDefault();
    if (step === "scan") {
      onScan();
    } else if (!model) {
      onCheck();
    } else if (isMirror(choice.address)) {
      onDownload(choice.address.trim());
    } else {
      setRefused(true);
    }
  }

  return (
    <form noValidate onSubmit={retry}>
      <Trouble title={title} hint={hint} />
      {model && (
        <MirrorChooser
          mirrors={model.mirrors}
          choice={choice}
          invalid={refused}
          onChoose={(next) => {
            setChoice(next);
            setRefused(false);
          }}
        />
      )}
      <Button type="submit" size="lg" className="mt-6 w-full">
        <RotateCw />
        {t("splash.error.retry")}
      </Button>
      {model && (
        <Button variant="ghost" className="mt-2 h-auto min-h-9 w-full whitespace-normal" onClick={onImport}>
          <FolderInput />
          {t("splash.consent.import")}
        </Button>
      )}
      {step === "engine" && error.kind === "sidecar_unavailable" && onRepair && (
        <div className="mt-2">
          <Button variant="ghost" className="w-full" onClick={onRepair} aria-describedby={`${id}-repair`}>
            <Wrench />
            {t("splash.error.repair")}
          </Button>
          <p id={`${id}-repair`} className="text-center text-[0.8125rem] text-muted-foreground">
            {t("splash.error.repairHint")}
          </p>
        </div>
      )}
      {step === "scan" && (
        <Button variant="ghost" className="mt-2 w-full" onClick={onSkipScan}>
          {t("splash.error.goOn")}
        </Button>
      )}
    </form>
  );
}
