/** The states of the splash, and every way from one to another. Pure: the effects are in `use-stages.ts`. */
import type { RpcError } from "@/rpc/error";
import type { BuiltinModel, DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";

/** How far a download is. Counts are bytes, the speed is 10⁶ bytes a second, the time is in seconds. */
export interface Transfer {
  percent: number;
  doneBytes: number;
  totalBytes: number | null;
  speed: number | null;
  secondsLeft: number | null;
  /** Everything is here; its hashes are being compared. */
  verifying: boolean;
  /** Nothing has been heard from the download yet. */
  starting: boolean;
}

export type Stage =
  | { name: "checking" }
  | { name: "consent"; model: BuiltinModel; doneBytes: number; totalBytes: number | null }
  | { name: "downloading"; model: BuiltinModel; mirror: string; transfer: Transfer; cancelling: boolean }
  | { name: "ready"; model: BuiltinModel }
  | { name: "error"; error: RpcError; model: BuiltinModel | null; mirror: string };

export type StageEvent =
  | { type: "sidecar-lost"; error: RpcError }
  | { type: "check-started" }
  | { type: "checked"; model: BuiltinModel; status: ModelStatus; error: RpcError }
  | { type: "check-failed"; error: RpcError }
  | { type: "download-asked"; mirror: string }
  | { type: "download-answered"; status: ModelStatus }
  | { type: "download-refused"; error: RpcError }
  | { type: "progressed"; event: DownloadEvent }
  | { type: "completed"; event: DownloadEvent }
  | { type: "failed"; event: DownloadEvent; error: RpcError }
  | { type: "cancel-asked" }
  | { type: "cancel-answered"; status: ModelStatus }
  | { type: "cancel-refused"; error: RpcError };

type Downloading = Extract<Stage, { name: "downloading" }>;

export const FIRST_STAGE: Stage = { name: "checking" };

/** Where a download starts from when nobody has chosen: the model's first mirror. */
export function defaultMirror(model: BuiltinModel): string {
  return model.mirrors[0] ?? "";
}

export function nextStage(stage: Stage, event: StageEvent): Stage {
  switch (event.type) {
    case "sidecar-lost":
      return stage.name === "ready" ? stage : { name: "error", error: event.error, model: null, mirror: "" };
    case "check-started":
      return { name: "checking" };
    case "checked":
      return stage.name === "checking" ? afterCheck(event.model, event.status, event.error) : stage;
    case "check-failed":
      return stage.name === "checking"
        ? { name: "error", error: event.error, model: null, mirror: "" }
        : stage;
    case "download-asked":
      return modelOf(stage, (model) => ({
        name: "downloading",
        model,
        mirror: event.mirror,
        transfer: startOf(stage),
        cancelling: false,
      }));
    case "download-answered":
      return stage.name === "downloading" ? afterAnswer(stage, event.status) : stage;
    case "download-refused":
    case "cancel-refused":
      return stage.name === "downloading"
        ? { name: "error", error: event.error, model: stage.model, mirror: stage.mirror }
        : stage;
    case "progressed":
      return stage.name === "downloading" && isOf(stage.model, event.event)
        ? { ...stage, transfer: transferOf(event.event) }
        : stage;
    case "completed":
      return stage.name === "downloading" && isOf(stage.model, event.event)
        ? { name: "ready", model: stage.model }
        : stage;
    case "failed":
      return stage.name === "downloading" && isOf(stage.model, event.event)
        ? afterFailure(stage, event.event, event.error)
        : stage;
    case "cancel-asked":
      return stage.name === "downloading" ? { ...stage, cancelling: true } : stage;
    case "cancel-answered":
      return stage.name === "downloading" ? afterCancel(stage.model, event.status) : stage;
  }
}

function afterCheck(model: BuiltinModel, status: ModelStatus, error: RpcError): Stage {
  switch (status.state) {
    case "ready":
      return { name: "ready", model };
    case "downloading":
    case "verifying":
      return {
        name: "downloading",
        model,
        mirror: defaultMirror(model),
        transfer: transferAt(status),
        cancelling: false,
      };
    case "damaged":
      return { name: "error", error, model, mirror: defaultMirror(model) };
    case "absent":
    case "partial":
    case "failed":
      // What failed in an earlier run is no news: the person starts it again from here.
      return consentFor(model, status.downloadedBytes, status.totalBytes);
  }
}

function afterAnswer(stage: Downloading, status: ModelStatus): Stage {
  if (status.state === "ready") {
    return { name: "ready", model: stage.model };
  }
  return stage.transfer.starting ? { ...stage, transfer: { ...transferAt(status), starting: true } } : stage;
}

function afterFailure(stage: Downloading, event: DownloadEvent, error: RpcError): Stage {
  return error.kind === "cancelled"
    ? consentFor(stage.model, event.downloaded_bytes, event.total_bytes)
    : { name: "error", error, model: stage.model, mirror: stage.mirror };
}

/** The event of the end may have come before the download was joined: then only this answer tells. */
function afterCancel(model: BuiltinModel, status: ModelStatus): Stage {
  return status.state === "ready"
    ? { name: "ready", model }
    : consentFor(model, status.downloadedBytes, status.totalBytes);
}

function consentFor(model: BuiltinModel, doneBytes: number, totalBytes: number | null): Stage {
  return { name: "consent", model, doneBytes, totalBytes: totalBytes ?? model.totalBytes };
}

function modelOf(stage: Stage, next: (model: BuiltinModel) => Stage): Stage {
  return "model" in stage && stage.model ? next(stage.model) : stage;
}

function isOf(model: BuiltinModel, event: DownloadEvent): boolean {
  return model.id === event.model_id;
}

function startOf(stage: Stage): Transfer {
  const [doneBytes, totalBytes] = stage.name === "consent" ? [stage.doneBytes, stage.totalBytes] : [0, null];
  return { ...IDLE, percent: percentOf(doneBytes, totalBytes), doneBytes, totalBytes, starting: true };
}

const IDLE = { speed: null, secondsLeft: null, verifying: false, starting: false };

function transferAt(status: ModelStatus): Transfer {
  const { downloadedBytes: doneBytes, totalBytes, state } = status;
  const percent = percentOf(doneBytes, totalBytes);
  return { ...IDLE, percent, doneBytes, totalBytes, verifying: state === "verifying" };
}

function transferOf(event: DownloadEvent): Transfer {
  const { progress, downloaded_bytes: doneBytes, total_bytes: totalBytes } = event;
  return {
    percent: progress,
    doneBytes,
    totalBytes,
    speed: event.speed_mbps ?? null,
    secondsLeft: event.eta_seconds ?? null,
    verifying: totalBytes !== null && totalBytes > 0 && doneBytes >= totalBytes,
    starting: false,
  };
}

function percentOf(doneBytes: number, totalBytes: number | null): number {
  return totalBytes ? Math.min(100, (100 * doneBytes) / totalBytes) : 0;
}
