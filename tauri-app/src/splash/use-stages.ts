import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { FIRST_STAGE, nextStage, type Stage, type StageEvent } from "./stage";

/** What the sidecar calls the state of a model or of its download; i18n has a text for each. */
export type Status = ModelStatus["state"] | DownloadEvent["status"];

/** A line of the details: when, how things stood if that was told, and what happened in the program's own words. */
export interface LogLine {
  id: number;
  type: StageEvent["type"];
  at: Date;
  status: Status | null;
  text: string;
}

/** Lines kept for the details. */
const LOG_LINES = 200;

export interface Stages {
  stage: Stage;
  log: readonly LogLine[];
  check: () => void;
  download: (mirror: string) => void;
  cancel: () => void;
}

/** Checks the built-in model at once, then does what the person asks for. */
export function useStages(sidecar: Sidecar): Stages {
  const [stage, dispatch] = useReducer(nextStage, FIRST_STAGE);
  const [log, setLog] = useState<readonly LogLine[]>([]);
  const modelId = "model" in stage ? stage.model?.id : undefined;

  const happen = useCallback((event: StageEvent) => {
    setLog((lines) => withLine(lines, event));
    dispatch(event);
  }, []);

  useEffect(() => {
    const stops = [
      sidecar.on("builtin-model-download-progress", (event) => happen({ type: "progressed", event })),
      sidecar.on("builtin-model-download-completed", (event) => happen({ type: "completed", event })),
      sidecar.on("builtin-model-download-failed", (event) =>
        happen({
          type: "failed",
          event,
          error: new RpcError(event.kind ?? "unknown", { message: event.message }),
        }),
      ),
    ];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, happen]);

  const check = useCallback(() => {
    happen({ type: "check-started" });
    readModel(sidecar).then(happen, (cause: unknown) =>
      happen({ type: "check-failed", error: RpcError.from(cause) }),
    );
  }, [sidecar, happen]);

  useEffect(check, [check]);

  const download = useCallback(
    (mirror: string) => {
      happen({ type: "download-asked", mirror });
      sidecar.call("models/download", { modelId: modelId ?? null, mirror: mirror || null }).then(
        (status) => happen({ type: "download-answered", status }),
        (cause: unknown) => happen({ type: "download-refused", error: RpcError.from(cause) }),
      );
    },
    [sidecar, happen, modelId],
  );

  // A sidecar that comes back knows of no download: one that was under way is taken up again, with the same consent.
  const mirror = stage.name === "downloading" ? stage.mirror : null;
  const lost = useRef(false);
  useEffect(() => {
    const stops = [
      sidecar.on("shell/sidecar", (state) => {
        if (state.state === "down") {
          happen({ type: "sidecar-lost", error: RpcError.from(state.error) });
        } else if (state.state === "ready" && lost.current && mirror !== null) {
          download(mirror);
        }
        lost.current = state.state !== "ready";
      }),
      sidecar.on("shell/notificationsLost", check),
    ];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, happen, check, download, mirror]);

  const cancel = useCallback(() => {
    happen({ type: "cancel-asked" });
    sidecar.call("models/cancelDownload", { modelId: modelId ?? null }).then(
      (status) => happen({ type: "cancel-answered", status }),
      (cause: unknown) => happen({ type: "cancel-refused", error: RpcError.from(cause) }),
    );
  }, [sidecar, happen, modelId]);

  return { stage, log, check, download, cancel };
}

/** Progress replaces the progress before it, so that what else happened stays in sight. */
function withLine(lines: readonly LogLine[], event: StageEvent): LogLine[] {
  const { type } = event;
  const last = lines.at(-1);
  const kept = type === "progressed" && last?.type === type ? lines.slice(0, -1) : lines;
  const line = {
    id: (last?.id ?? 0) + 1,
    type,
    at: new Date(),
    status: statusOf(event),
    text: describe(event),
  };
  return [...kept.slice(1 - LOG_LINES), line];
}

async function readModel(sidecar: Sidecar): Promise<StageEvent> {
  // Subscribed first, read second: a change in between is then heard.
  await sidecar.connect();
  const { models } = await sidecar.call("models/list", {});
  const [model] = models;
  if (!model) {
    throw new RpcError("model_not_found", { message: "the catalog lists no model" });
  }
  const status = await sidecar.call("models/status", { modelId: model.id });
  const error = new RpcError(status.kind ?? "file_damaged", { details: { files: status.damagedFiles } });
  return { type: "checked", model, status, error };
}

function statusOf(event: StageEvent): Status | null {
  if ("status" in event) {
    return event.status.state;
  }
  return "event" in event ? event.event.status : null;
}

function describe(event: StageEvent): string {
  switch (event.type) {
    case "checked":
      return event.model.repository;
    case "sidecar-lost":
    case "check-failed":
    case "download-refused":
    case "cancel-refused":
    case "failed": {
      const { kind, message } = event.error;
      const { stderr, ...details } = event.error.details;
      const more = Object.keys(details).length > 0 ? ` ${JSON.stringify(details)}` : "";
      // What a program wrote is to be read as it stood there.
      const said = typeof stderr === "string" ? `\n${stderr}` : "";
      return `${message === kind ? kind : `${kind}: ${message}`}${more}${said}`;
    }
    case "download-asked":
      return event.mirror;
    case "progressed":
    case "completed":
      return event.event.file ? `${event.event.message} (${event.event.file})` : event.event.message;
    case "check-started":
    case "cancel-asked":
    case "download-answered":
    case "cancel-answered":
      return event.type;
  }
}
