/** What is known of the built-in model and what is being done with it. Pure: the effects are in `use-builtin-model.ts`. */
import { RpcError } from "@/rpc/error";
import type { BuiltinModel, DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";

/** What Settings can be asked for that takes a while; an import is begun elsewhere. */
export type Asked = "verify" | "download";

/** What takes a while. Counts are bytes; `percent` is null until something was heard of it. */
export interface Work {
  kind: Asked | "import";
  percent: number | null;
  doneBytes: number;
  totalBytes: number | null;
  cancelling: boolean;
  /** This page asked for it and has no answer yet: a state that was read meanwhile may be from before. */
  unanswered?: boolean;
}

export interface BuiltinState {
  /** Null until it is known. */
  model: BuiltinModel | null;
  status: ModelStatus | null;
  work: Work | null;
  /** How the last thing ended that the person asked for. */
  outcome: "verified" | "stopped" | "deleted" | null;
  error: RpcError | null;
}

export type BuiltinEvent =
  | { type: "read"; model: BuiltinModel; status: ModelStatus }
  | { type: "asked"; kind: Asked }
  | { type: "answered"; request: Asked | "cancel" | "delete"; status: ModelStatus }
  | { type: "refused"; error: RpcError }
  | { type: "cancel-asked" }
  | { type: "progressed"; event: DownloadEvent }
  | { type: "ended"; event: DownloadEvent };

export const FIRST_STATE: BuiltinState = {
  model: null,
  status: null,
  work: null,
  outcome: null,
  error: null,
};

export function nextBuiltinState(state: BuiltinState, event: BuiltinEvent): BuiltinState {
  switch (event.type) {
    case "read":
      return {
        ...state,
        model: event.model,
        status: event.status,
        work: read(state.work, event.status),
      };
    case "asked":
      return {
        ...state,
        work: {
          kind: event.kind,
          percent: null,
          doneBytes: 0,
          totalBytes: null,
          cancelling: false,
          unanswered: true,
        },
        outcome: null,
        error: null,
      };
    case "answered":
      return answered({ ...state, status: event.status }, event.request);
    case "refused":
      return { ...state, work: null, outcome: null, error: event.error };
    case "cancel-asked":
      return state.work ? { ...state, work: { ...state.work, cancelling: true } } : state;
    case "progressed":
      return { ...state, work: progressed(state.work, event.event) };
    case "ended":
      return ended(state, event.event);
  }
}

/**
 * What somebody else began is taken up, or this page before it was left. What is no longer done went with the engine,
 * or its end was not heard.
 */
function read(work: Work | null, status: ModelStatus): Work | null {
  const done = workOf(status);
  return work?.unanswered || work?.kind === done?.kind ? work : done;
}

/** A download is answered when it begins, all else when it is over. Its last event may have come before. */
function answered(state: BuiltinState, request: Asked | "cancel" | "delete"): BuiltinState {
  const { status } = state;
  const work = state.work && { ...state.work, unanswered: false };
  switch (request) {
    case "delete":
      return { ...state, work: null, outcome: "deleted", error: null };
    case "download":
      // While an earlier revision serves the state is ready all along.
      return { ...state, work: status?.state === "ready" && status.activity === null ? null : work };
    case "verify":
      return work ? { ...state, work: null, outcome: outcomeOf(work, status?.state === "ready") } : state;
    case "cancel":
      return work ? { ...state, work: null, outcome: work.kind === "verify" ? "stopped" : null } : state;
  }
}

function outcomeOf(work: Work, whole: boolean): BuiltinState["outcome"] {
  return work.cancelling ? "stopped" : whole ? "verified" : null;
}

function progressed(work: Work | null, event: DownloadEvent): Work {
  return {
    kind: work?.kind ?? "download",
    percent: event.progress,
    doneBytes: event.downloaded_bytes,
    totalBytes: event.total_bytes,
    cancelling: work?.cancelling ?? false,
    unanswered: work?.unanswered ?? false,
  };
}

function ended(state: BuiltinState, event: DownloadEvent): BuiltinState {
  const { work } = state;
  if (!work) {
    return state;
  }
  const checked = work.kind === "verify";
  if (event.status === "completed") {
    return { ...state, work: null, outcome: checked ? "verified" : null };
  }
  if (event.kind === "cancelled") {
    return { ...state, work: null, outcome: checked ? "stopped" : null };
  }
  // What a check found damaged the status tells, with the way out.
  const error = checked
    ? null
    : new RpcError(event.kind ?? "unknown", { message: event.message, details: event.details ?? {} });
  return { ...state, work: null, outcome: null, error };
}

const KINDS = { downloading: "download", importing: "import", verifying: "verify" } as const;

function workOf({ activity, downloadedBytes, totalBytes }: ModelStatus): Work | null {
  if (activity === null) {
    return null;
  }
  const kind = KINDS[activity];
  return { kind, percent: null, doneBytes: downloadedBytes, totalBytes, cancelling: false };
}
