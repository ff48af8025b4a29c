/** What the details tell of a launch: every event, with its time, in the program's own words. */
import type { RpcError } from "@/rpc/error";
import type { DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";
import type { StageEvent } from "./stage";

/** What the sidecar calls the state of a model or of its download; i18n has a text for each. */
export type Status = ModelStatus["state"] | DownloadEvent["status"];

export interface LogLine {
  id: number;
  type: StageEvent["type"];
  at: Date;
  status: Status | null;
  text: string;
  /** What the engine said last before it left: shown, and in no report, as libraries say there what they like. */
  stderr: string | null;
}

/** Lines kept. */
const LOG_LINES = 200;
/** Each of these tells all that the one before it told, so it takes that one's place. */
const RENEWED: readonly StageEvent["type"][] = ["progressed", "checked", "environment-changed"];
/** These tell a state that is read and notified: what has not changed is not told again. */
const STATES: readonly StageEvent["type"][] = ["environment-changed", "sidecar-changed"];

export function withLine(lines: readonly LogLine[], event: StageEvent): readonly LogLine[] {
  const { type } = event;
  const text = describe(event);
  const stderr = stderrOf(event);
  const last = lines.at(-1);
  const before = lines.findLast((line) => line.type === type);
  if (STATES.includes(type) && before?.text === text && before.stderr === stderr) {
    return lines;
  }
  const kept = last?.type === type && RENEWED.includes(type) ? lines.slice(0, -1) : lines;
  const line = { id: (last?.id ?? 0) + 1, type, at: new Date(), status: statusOf(event), text, stderr };
  return [...kept.slice(1 - LOG_LINES), line];
}

/** The lines as text for a report, which the shell clears of home and secrets. */
export function asText(lines: readonly LogLine[]): string {
  return lines
    .map(({ at, type, status, text }) => [at.toISOString(), type, status, text].filter(Boolean).join(" "))
    .join("\n");
}

function statusOf(event: StageEvent): Status | null {
  if ("status" in event) {
    return event.status.state;
  }
  return "event" in event ? event.event.status : null;
}

function stderrOf(event: StageEvent): string | null {
  const state = event.type === "sidecar-changed" ? event.sidecar : event;
  const stderr = "error" in state && state.error.details.stderr;
  return typeof stderr === "string" ? stderr : null;
}

function describe(event: StageEvent): string {
  switch (event.type) {
    case "environment-changed": {
      const { state, source, lines, error } = event.environment;
      const said = error ? [...lines, told(error)] : lines;
      return [`Python environment: ${state}${source ? ` (${source})` : ""}`, ...said].join("\n");
    }
    case "sidecar-changed":
      return event.sidecar.state === "down" ? told(event.sidecar.error) : `engine: ${event.sidecar.state}`;
    case "checked":
      return event.model.repository;
    case "launch-failed":
    case "check-failed":
    case "download-refused":
    case "cancel-refused":
    case "scan-failed":
    case "failed":
      return told(event.error);
    case "download-asked":
      return event.mirror;
    case "import-asked":
      return event.folder;
    case "progressed":
    case "completed":
      return event.event.file ? `${event.event.message} (${event.event.file})` : event.event.message;
    case "access-answered":
      return `disk access: ${event.granted ? "granted" : "denied"}`;
    default:
      return event.type;
  }
}

function told({ kind, message, details }: Pick<RpcError, "kind" | "message" | "details">): string {
  const { stderr: _, lines: __, ...others } = details;
  const more = Object.keys(others).length > 0 ? ` ${JSON.stringify(others)}` : "";
  return `${message === kind ? kind : `${kind}: ${message}`}${more}`;
}
