/**
 * The states of a launch, and every way from one to another: environment, engine, model, disk access, file scan.
 * Pure: the effects are in `use-stages.ts`.
 */
import { RpcError } from "@/rpc/error";
import type { BuiltinModel, DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";
import type { EnvironmentState, SidecarState } from "@/rpc/shell";
import { type Transfer, transferAgain, transferAt, transferFrom, transferOf } from "./transfer";

/** What a launch goes through, in order. */
export const STEPS = ["environment", "engine", "model", "access", "scan"] as const;
export type Step = (typeof STEPS)[number];

/** `slow`: its time-out has passed. That opens the details and offers another try, and ends nothing: what is only late
 * still goes on by itself. What the shell gives up comes as an error. */
export type Stage =
  | {
      name: "environment";
      environment: EnvironmentState;
      /** It was slow or failed once: what helps then stays at hand, whatever is heard of it next. */
      troubled: boolean;
    }
  | { name: "engine"; slow: boolean }
  | { name: "checking"; slow: boolean }
  | {
      name: "consent";
      model: BuiltinModel;
      doneBytes: number;
      totalBytes: number | null;
      /** Where it would come from: where a part of it came from already, or the first of its mirrors. */
      mirror: string;
      /** Why the folder that the person chose was not taken. */
      refusal: RpcError | null;
    }
  | {
      name: "downloading";
      model: BuiltinModel;
      from: Source;
      transfer: Transfer;
      cancelling: boolean;
      /** What there was of it when this began, which an import does not change. */
      before: Here;
    }
  | { name: "access"; model: BuiltinModel; denied: boolean; slow: boolean }
  | { name: "scanning"; model: BuiltinModel; slow: boolean }
  | { name: "ready"; model: BuiltinModel }
  | { name: "error"; step: Step; error: RpcError; model: BuiltinModel | null; mirror: string };

/** Where a model comes from: a mirror, a folder of this computer, or it is here and its files are read again. */
export type Source = { mirror: string } | "folder" | "disk";

/** What of the model is on disk, and whether any of the four jobs is its own. */
interface Checked {
  type: "checked";
  model: BuiltinModel;
  status: ModelStatus;
  error: RpcError;
  needed: boolean;
}

export type StageEvent =
  | { type: "launch-failed"; error: RpcError }
  | { type: "environment-changed"; environment: EnvironmentState }
  | { type: "sidecar-changed"; sidecar: SidecarState }
  | { type: "slowed" }
  | { type: "engine-restarted" }
  | { type: "notifications-lost" }
  | { type: "check-started" }
  | Checked
  | { type: "check-failed"; error: RpcError }
  | { type: "download-asked"; mirror: string }
  | { type: "import-asked"; folder: string }
  | { type: "download-answered"; status: ModelStatus }
  | { type: "download-refused"; error: RpcError }
  | { type: "progressed"; event: DownloadEvent }
  | { type: "completed"; event: DownloadEvent }
  | { type: "failed"; event: DownloadEvent; error: RpcError }
  | { type: "cut-off" }
  | { type: "cancel-asked" }
  | { type: "cancel-answered"; status: ModelStatus }
  | { type: "cancel-refused"; error: RpcError }
  | { type: "access-asked" }
  | { type: "access-answered"; granted: boolean }
  | { type: "access-postponed" }
  | { type: "scan-asked" }
  | { type: "scanned" }
  | { type: "scan-failed"; error: RpcError }
  | { type: "scan-skipped" };

type Downloading = Extract<Stage, { name: "downloading" }>;

export const FIRST_STAGE: Stage = {
  name: "environment",
  environment: {
    state: "checking",
    own: false,
    lines: [],
    source: null,
    bytes: null,
    mirrors: { index: null, python: null },
    error: null,
  },
  troubled: false,
};

export function stepOf(stage: Stage): Step | null {
  switch (stage.name) {
    case "environment":
    case "engine":
    case "access":
      return stage.name;
    case "checking":
    case "consent":
    case "downloading":
      return "model";
    case "scanning":
      return "scan";
    case "error":
      return stage.step;
    case "ready":
      return null;
  }
}

/** Whether the person should see what the programs say: something failed, or takes longer than it ever should. */
export function isTroubled(stage: Stage): boolean {
  if (stage.name === "environment") {
    return stage.troubled;
  }
  return stage.name === "error" || ("slow" in stage && stage.slow);
}

/** Where a download starts from when nobody has chosen: the model's first mirror. */
export function defaultMirror(model: BuiltinModel): string {
  return model.mirrors[0] ?? "";
}

export function nextStage(stage: Stage, event: StageEvent): Stage {
  switch (event.type) {
    case "launch-failed":
      return failed("engine", event.error);
    case "environment-changed":
      return afterEnvironment(stage, event.environment);
    case "sidecar-changed":
      return afterSidecar(stage, event.sidecar);
    case "slowed":
      return "slow" in stage ? { ...stage, slow: true } : stage;
    case "engine-restarted":
      return stepOf(stage) === "engine" ? STARTING : stage;
    case "notifications-lost":
      return stepOf(stage) === "model" ? CHECKING : stage;
    case "check-started":
      return CHECKING;
    case "checked":
      return stage.name === "checking" || isReading(stage) ? afterCheck(event) : stage;
    case "check-failed":
      return stage.name === "checking" ? failed("model", event.error) : stage;
    case "download-asked":
      return transferring(stage, { mirror: event.mirror });
    case "import-asked":
      return transferring(stage, "folder");
    case "download-answered":
      return stage.name === "downloading" ? afterAnswer(stage, event.status) : stage;
    case "download-refused":
    case "cancel-refused":
      return stage.name === "downloading" ? afterFailure(stage, event.error) : stage;
    case "progressed":
      return stage.name === "downloading" && isOf(stage.model, event.event)
        ? { ...stage, transfer: transferOf(event.event) }
        : stage;
    case "completed":
      return stage.name === "downloading" && isOf(stage.model, event.event) ? withModel(stage.model) : stage;
    case "failed":
      return stage.name === "downloading" && isOf(stage.model, event.event)
        ? afterFailure(stage, event.error)
        : stage;
    case "cut-off":
      return stage.name === "downloading" ? afterCut(stage) : stage;
    case "cancel-asked":
      return stage.name === "downloading" ? { ...stage, cancelling: true } : stage;
    case "cancel-answered":
      return stage.name === "downloading" ? afterCancel(stage, event.status) : stage;
    case "access-asked":
      return stage.name === "access" ? { ...stage, denied: false, slow: false } : stage;
    case "access-answered":
      return stage.name === "access" ? afterAccess(stage, event.granted) : stage;
    case "access-postponed":
      return stage.name === "access" ? scanning(stage.model) : stage;
    case "scan-asked":
      return modelOf(stage, scanning);
    case "scanned":
      return stage.name === "scanning" ? { name: "ready", model: stage.model } : stage;
    case "scan-failed":
      return stage.name === "scanning" ? { ...failed("scan", event.error), model: stage.model } : stage;
    case "scan-skipped":
      return modelOf(stage, (model) => ({ name: "ready", model }));
  }
}

const STARTING: Stage = { name: "engine", slow: false };
const CHECKING: Stage = { name: "checking", slow: false };

function failed(step: Step, error: RpcError): Extract<Stage, { name: "error" }> {
  return { name: "error", step, error, model: null, mirror: "" };
}

/** One that turns out damaged when the engine starts is made anew. */
function afterEnvironment(stage: Stage, environment: EnvironmentState): Stage {
  const { state } = environment;
  const again = state !== "ready" && stepOf(stage) === "engine";
  if (stage.name !== "environment" && !again) {
    return stage;
  }
  const before = stage.name === "environment" && stage.troubled;
  return state === "ready"
    ? STARTING
    : {
        name: "environment",
        environment,
        troubled: before || state === "slow" || state === "failed",
      };
}

/** A sidecar that runs has an environment, whichever of the two was heard of first. */
function afterSidecar(stage: Stage, sidecar: SidecarState): Stage {
  const step = stepOf(stage);
  switch (sidecar.state) {
    case "ready":
      return step === "environment" || step === "engine" ? CHECKING : stage;
    case "starting":
      return stage.name === "checking" || (stage.name === "error" && step === "engine") ? STARTING : stage;
    case "down":
      return stage.name === "ready" ? stage : failed("engine", RpcError.from(sidecar.error));
    case "stopped":
      return stage;
  }
}

/** The model is here: what comes after it. */
function withModel(model: BuiltinModel): Stage {
  return { name: "access", model, denied: false, slow: false };
}

function afterAccess(stage: Extract<Stage, { name: "access" }>, granted: boolean): Stage {
  return granted ? scanning(stage.model) : { ...stage, denied: true, slow: false };
}

function scanning(model: BuiltinModel): Stage {
  return { name: "scanning", model, slow: false };
}

function transferring(stage: Stage, from: Source): Stage {
  return modelOf(stage, (model) => ({
    name: "downloading",
    model,
    from,
    transfer: startOf(stage),
    cancelling: false,
    before: hereOf(stage),
  }));
}

function afterCheck({ model, status, error, needed }: Checked): Stage {
  if (!needed && status.state !== "downloading" && status.state !== "verifying") {
    return withModel(model);
  }
  switch (status.state) {
    case "ready":
      return withModel(model);
    case "downloading":
    case "verifying":
      return {
        name: "downloading",
        model,
        from: sourceOf(status) ?? "disk",
        transfer: transferAt(status),
        cancelling: false,
        before: NOTHING,
      };
    case "damaged":
    case "failed":
      return { ...failed("model", error), model, mirror: mirrorOf(model, status) };
    case "absent":
    case "partial":
      return consentFor(model, status);
  }
}

function afterAnswer(stage: Downloading, status: ModelStatus): Stage {
  if (status.state === "ready") {
    return withModel(stage.model);
  }
  // One that joined another's has that one's mirror.
  const from = sourceOf(status) ?? stage.from;
  return stage.transfer.starting
    ? { ...stage, from, transfer: { ...transferAt(status), starting: true } }
    : { ...stage, from };
}

/** The sidecar went away meanwhile, and with it what it was doing. Only a download goes on by itself, from the mirror
 * that was agreed to (`use-stages.ts`); an import is the person's to begin again. */
function afterCut(stage: Downloading): Stage {
  return stage.from === "folder" && !stage.cancelling
    ? {
        ...consentFor(stage.model, stage.before),
        refusal: new RpcError("sidecar_restarted", { details: { during: "import" } }),
      }
    : CHECKING;
}

/** Whether the files of a model that is here are being read. Whoever asked for that hears of its end, and no other. */
export function isReading(stage: Stage): boolean {
  return stage.name === "downloading" && stage.from === "disk";
}

/** Null if nothing is being done. */
function sourceOf({ activity, mirror }: ModelStatus): Source | null {
  switch (activity) {
    case "downloading":
      return mirror === null ? null : { mirror };
    case "importing":
      return "folder";
    case "verifying":
      return "disk";
    case null:
      return null;
  }
}

function afterFailure(stage: Downloading, error: RpcError): Stage {
  const { model, from, before, cancelling } = stage;
  if (error.kind === "cancelled") {
    // What is on the disk now the answer tells, or a look.
    return cancelling ? stage : CHECKING;
  }
  if (from === "folder") {
    return { ...consentFor(model, before), refusal: error };
  }
  return { ...failed("model", error), model, mirror: from === "disk" ? defaultMirror(model) : from.mirror };
}

/** The event of the end may have come before the download was joined: then only this answer tells. */
function afterCancel({ model, from }: Downloading, status: ModelStatus): Stage {
  if (status.activity !== null) {
    return CHECKING; // What was cancelled is told as over: this is another's.
  }
  const mirror = typeof from === "object" ? from.mirror : status.mirror;
  return status.state === "ready" ? withModel(model) : consentFor(model, { ...status, mirror });
}

/** What is on the disk of a model, and where that came from. */
type Here = Pick<ModelStatus, "downloadedBytes" | "totalBytes" | "mirror">;

const NOTHING: Here = { downloadedBytes: 0, totalBytes: null, mirror: null };

function hereOf(stage: Stage): Here {
  switch (stage.name) {
    case "consent":
      return { downloadedBytes: stage.doneBytes, totalBytes: stage.totalBytes, mirror: stage.mirror };
    case "error":
      return { ...NOTHING, mirror: stage.mirror || null };
    default:
      return NOTHING;
  }
}

function consentFor(model: BuiltinModel, here: Here): Extract<Stage, { name: "consent" }> {
  return {
    name: "consent",
    model,
    doneBytes: here.downloadedBytes,
    totalBytes: here.totalBytes ?? model.totalBytes,
    mirror: mirrorOf(model, here),
    refusal: null,
  };
}

function mirrorOf(model: BuiltinModel, { mirror }: Here): string {
  return mirror ?? defaultMirror(model);
}

function modelOf(stage: Stage, next: (model: BuiltinModel) => Stage): Stage {
  return "model" in stage && stage.model ? next(stage.model) : stage;
}

function isOf(model: BuiltinModel, event: DownloadEvent): boolean {
  return model.id === event.model_id;
}

function startOf(stage: Stage): Transfer {
  if (stage.name === "downloading") {
    return transferAgain(stage.transfer);
  }
  return stage.name === "consent" ? transferFrom(stage.doneBytes, stage.totalBytes) : transferFrom(0, null);
}
