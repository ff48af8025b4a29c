import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/components/mark";
import { HelpButton } from "@/help/help";
import { PreferencesMenu } from "@/preferences/preferences-menu";
import type { BuiltinModel } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { Access } from "./access";
import { Consent } from "./consent";
import { Downloading } from "./downloading";
import { Environment } from "./environment";
import { Failure } from "./failure";
import { Log } from "./log";
import { isTroubled, type Stage, stepOf } from "./stage";
import { Steps } from "./steps";
import { type Stages, useStages } from "./use-stages";
import { Slow, Waiting } from "./waiting";

/** What is shown from the first moment until everything is there for the main window. */
export function Splash({ sidecar, onReady }: { sidecar: Sidecar; onReady: (model: BuiltinModel) => void }) {
  const { t } = useTranslation();
  const stages = useStages(sidecar);
  const { stage, log } = stages;
  const panel = useRef<HTMLDivElement>(null);
  const step = stepOf(stage);
  const troubled = isTroubled(stage);
  const view = viewOf(stage);

  useEffect(() => {
    if (stage.name === "ready") {
      onReady(stage.model);
    }
  }, [stage, onReady]);

  // The control that had the focus went away with its stage: the new stage takes it, so that Tab goes on from here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the change of the view is what this waits for.
  useEffect(() => {
    if (document.activeElement === document.body) {
      panel.current?.focus({ preventScroll: true });
    }
  }, [view]);

  return (
    <div className="flex h-full flex-col overflow-y-auto">
      <header className="flex h-(--header) shrink-0 items-center justify-end gap-1 px-3">
        <HelpButton />
        <PreferencesMenu
          sidecar={hasSidecar(stage) ? sidecar : undefined}
          onSettingsClosed={() => isWaitingForModel(stage) && stages.check()}
        />
      </header>
      <main className="mx-auto flex w-full max-w-[30rem] grow flex-col justify-center px-6 pb-(--header)">
        <div className="mb-5 flex items-center gap-3">
          <Mark className="size-9" />
          <p className="font-semibold text-lg tracking-tight">{t("app.name")}</p>
        </div>
        {step && <Steps current={step} />}
        <div
          key={view}
          ref={panel}
          tabIndex={-1}
          className={view === "waiting" ? "animate-late outline-none" : "animate-rise outline-none"}
        >
          <View sidecar={sidecar} stages={stages} />
        </div>
        <Log log={log} open={troubled} key={troubled ? "details-open" : "details-folded"} />
      </main>
    </div>
  );
}

/** Whether there is a sidecar that Settings could ask. */
function hasSidecar(stage: Stage): boolean {
  const before = stage.name === "environment" || stage.name === "engine";
  return !before && !(stage.name === "error" && (stage.step === "environment" || stage.step === "engine"));
}

/** Whether nothing goes on before the model is here. In Settings the jobs may have been given to others: it is not
 * needed then. */
function isWaitingForModel(stage: Stage): boolean {
  return stage.name === "consent" || (stage.name === "error" && stage.step === "model");
}

/** Stages that only wait are one view whose title changes: what goes by in a moment does not flicker. */
function viewOf(stage: Stage): string {
  switch (stage.name) {
    case "environment":
      return stage.troubled ? "environment" : "waiting";
    case "access":
      return stage.denied ? "access" : "waiting";
    case "engine":
    case "checking":
    case "scanning":
    case "ready":
      return "waiting";
    default:
      return stage.name;
  }
}

function View({ sidecar, stages }: { sidecar: Sidecar; stages: Stages }) {
  const { t } = useTranslation();
  const { stage } = stages;
  switch (stage.name) {
    case "environment":
      return (
        <Environment
          environment={stage.environment}
          troubled={stage.troubled}
          onRetry={stages.retryEnvironment}
          onCancel={stages.cancelEnvironment}
        />
      );
    case "consent":
      return (
        <Consent stage={stage} sidecar={sidecar} onAgree={stages.download} onImport={stages.importFolder} />
      );
    case "downloading":
      return <Downloading stage={stage} onCancel={stages.cancel} />;
    case "error":
      return (
        <Failure
          stage={stage}
          onCheck={stages.check}
          onRepair={stages.repairEnvironment}
          onDownload={stages.download}
          onImport={stages.importFolder}
          onScan={stages.scan}
          onSkipScan={stages.skipScan}
        />
      );
    case "ready":
      return <p role="status">{t("splash.ready")}</p>;
    case "access":
      if (stage.denied) {
        return <Access onCheck={stages.askAccess} onLater={stages.postponeAccess} />;
      }
      return (
        <Waiting step="access">
          {stage.slow && <Slow hint={t("splash.slow.hint")} onGoOn={stages.postponeAccess} />}
        </Waiting>
      );
    case "scanning":
      return (
        <Waiting step="scan">
          {stage.slow && <Slow hint={t("splash.slow.hint")} onGoOn={stages.skipScan} />}
        </Waiting>
      );
    case "engine":
    case "checking":
      return (
        <Waiting step={stage.name === "engine" ? "engine" : "model"}>
          {stage.slow && (
            <Slow
              hint={t("splash.slow.hint")}
              onRetry={stage.name === "engine" ? stages.restartEngine : stages.check}
            />
          )}
        </Waiting>
      );
  }
}
