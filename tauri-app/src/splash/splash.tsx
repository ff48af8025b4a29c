import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/components/mark";
import { PreferencesMenu } from "@/preferences/preferences-menu";
import type { BuiltinModel } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { Checking } from "./checking";
import { Consent } from "./consent";
import { Downloading } from "./downloading";
import { Failure } from "./failure";
import { Log } from "./log";
import { useStages } from "./use-stages";

/** What is shown until the model is on this computer. */
export function Splash({ sidecar, onReady }: { sidecar: Sidecar; onReady: (model: BuiltinModel) => void }) {
  const { t } = useTranslation();
  const { stage, log, check, download, cancel } = useStages(sidecar);
  const panel = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (stage.name === "ready") {
      onReady(stage.model);
    }
  }, [stage, onReady]);

  // The control that had the focus went away with its stage: the new stage takes it, so that Tab goes on from here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the name of the stage is what this waits for.
  useEffect(() => {
    if (document.activeElement === document.body) {
      panel.current?.focus({ preventScroll: true });
    }
  }, [stage.name]);

  return (
    <div className="flex h-full flex-col overflow-y-auto">
      <header className="flex h-(--header) shrink-0 items-center justify-end px-3">
        <PreferencesMenu />
      </header>
      <main className="mx-auto flex w-full max-w-[30rem] grow flex-col justify-center px-6 pb-[calc(var(--header)+1.5rem)]">
        <div className="mb-8 flex items-center gap-3">
          <Mark className="size-9" />
          <p className="font-semibold text-lg tracking-tight">{t("app.name")}</p>
        </div>
        <div key={stage.name} ref={panel} tabIndex={-1} className="animate-rise outline-none">
          {stage.name === "checking" && <Checking />}
          {stage.name === "consent" && <Consent stage={stage} onAgree={download} />}
          {stage.name === "downloading" && <Downloading stage={stage} onCancel={cancel} />}
          {stage.name === "error" && <Failure stage={stage} onCheck={check} onDownload={download} />}
          {stage.name === "ready" && <p role="status">{t("splash.ready")}</p>}
        </div>
        <Log
          log={log}
          open={stage.name === "error"}
          key={stage.name === "error" ? "details-open" : "details-folded"}
        />
      </main>
    </div>
  );
}
