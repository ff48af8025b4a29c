import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { onDownloadProgress } from "@/rpc/download";
import { RpcError } from "@/rpc/error";
import type { ModelStatus } from "@/rpc/gen/protocol";
import {
  diskAccess,
  engineRestart,
  environmentCancel,
  environmentRepair,
  environmentRetry,
  pickFolder,
  shellState,
  type Typed,
} from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";
import { type LogLine, withLine } from "./log-lines";
import { FIRST_STAGE, isReading, nextStage, type Stage, type StageEvent } from "./stage";

/** Milliseconds after which a stage that only waits is slow. */
const PATIENCE: Partial<Record<Stage["name"], number>> = {
  engine: 90_000,
  checking: 30_000,
  access: 30_000,
  scanning: 30_000,
};

/** Milliseconds between two looks at what somebody else has the sidecar read. */
const READING_AGAIN = 1_000;

export interface Stages {
  stage: Stage;
  log: readonly LogLine[];
  retryEnvironment: (mirrors: Typed) => Promise<void>;
  cancelEnvironment: () => void;
  /** Makes the environment anew; null where it is not this app's to make. */
  repairEnvironment: (() => void) | null;
  restartEngine: () => void;
  check: () => void;
  download: (mirror: string) => void;
  importFolder: () => void;
  cancel: () => void;
  askAccess: () => void;
  postponeAccess: () => void;
  scan: () => void;
  skipScan: () => void;
}

/** Goes through a launch as far as it goes by itself, then does what the person asks for. */
export function useStages(sidecar: Sidecar): Stages {
  const [stage, dispatch] = useReducer(nextStage, FIRST_STAGE);
  const [own, setOwn] = useState(false);
  const [log, setLog] = useState<readonly LogLine[]>([]);
  const modelId = "model" in stage ? stage.model?.id : undefined;

  const happen = useCallback((event: StageEvent) => {
    setLog((lines) => withLine(lines, event));
    if (event.type === "environment-changed") {
      setOwn(event.environment.own);
    }
    dispatch(event);
  }, []);

  const { name } = stage;
  const denied = stage.name === "access" && stage.denied;
  const slow = "slow" in stage && stage.slow;

  // What comes by itself. Subscribed first, read second: a change in between is then heard.
  useEffect(() => {
    const read = () =>
      sidecar
        .connect()
        .then(shellState)
        .then(
          (state) => {
            happen({ type: "environment-changed", environment: state.environment });
            happen({ type: "sidecar-changed", sidecar: state.sidecar });
          },
          (cause: unknown) => happen({ type: "launch-failed", error: RpcError.from(cause) }),
        );
    const stops = [
      sidecar.on("shell/environment", (environment) => happen({ type: "environment-changed", environment })),
      sidecar.on("shell/sidecar", (state) => happen({ type: "sidecar-changed", sidecar: state })),
      onDownloadProgress(sidecar, (event) => happen({ type: "progressed", event })),
      sidecar.on("builtin-model-download-completed", (event) => happen({ type: "completed", event })),
      sidecar.on("builtin-model-download-failed", (event) => {
        const { kind, message, details } = event;
        const error = new RpcError(kind ?? "unknown", { message, ...(details && { details }) });
        happen({ type: "failed", event, error });
      }),
      sidecar.on("shell/notificationsLost", () => {
        happen({ type: "notifications-lost" });
        void read();
      }),
    ];
    void read();
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, happen]);

  useEffect(() => {
    const patience = denied || slow ? undefined : PATIENCE[name];
    if (patience === undefined) {
      return;
    }
    const timer = setTimeout(() => happen({ type: "slowed" }), patience);
    return () => clearTimeout(timer);
  }, [name, denied, slow, happen]);

  // Each stage that only waits asks one question when it begins, and again when it is retried after it was slow. An answer that comes too late changes nothing.
  useEffect(() => {
    if (slow) {
      return;
    }
    if (name === "checking") {
      readModel(sidecar).then(happen, (cause: unknown) =>
        happen({ type: "check-failed", error: RpcError.from(cause) }),
      );
    } else if (name === "access" && !denied) {
      // Where the system cannot be asked there is nothing that the person could grant.
      diskAccess().then(
        (granted) => happen({ type: "access-answered", granted }),
        () => happen({ type: "access-answered", granted: true }),
      );
    } else if (name === "scanning") {
      sidecar.call("library/scan", {}).then(
        () => happen({ type: "scanned" }),
        (cause: unknown) => happen({ type: "scan-failed", error: RpcError.from(cause) }),
      );
    }
  }, [name, denied, slow, sidecar, happen]);

  const reading = isReading(stage);
  useEffect(() => {
    if (reading) {
      const again = setInterval(() => readModel(sidecar).then(happen, () => undefined), READING_AGAIN);
      return () => clearInterval(again);
    }
  }, [reading, sidecar, happen]);

  const attempt = useRef(0);
  const transfer = useCallback(
    (event: StageEvent, answer: Promise<ModelStatus>) => {
      attempt.current += 1;
      const mine = attempt.current;
      // The look at a folder may be answered when it was cancelled and something else begun long since.
      const hear = (heard: StageEvent) => mine === attempt.current && happen(heard);
      happen(event);
      answer.then(
        (status) => hear({ type: "download-answered", status }),
        (cause: unknown) => hear({ type: "download-refused", error: RpcError.from(cause) }),
      );
    },
    [happen],
  );

  const download = useCallback(
    (mirror: string) =>
      transfer(
        { type: "download-asked", mirror },
        sidecar.call("models/download", { modelId: modelId ?? null, mirror: mirror || null }),
      ),
    [sidecar, transfer, modelId],
  );

  const importFolder = useCallback(() => {
    pickFolder().then(
      (path) => {
        if (path !== null) {
          transfer(
            { type: "import-asked", folder: path },
            sidecar.call("models/import", { modelId: modelId ?? null, path }),
          );
        }
      },
      // The dialog did not open, and the person sees that.
      () => undefined,
    );
  }, [sidecar, transfer, modelId]);

  // A sidecar that comes back knows of nothing that was under way: a download is taken up again, from the mirror that
  // was agreed to.
  const mirror =
    stage.name === "downloading" && !stage.cancelling && typeof stage.from === "object"
      ? stage.from.mirror
      : null;
  const lost = useRef(false);
  useEffect(
    () =>
      sidecar.on("shell/sidecar", ({ state }) => {
        if (state === "ready" && lost.current) {
          if (mirror !== null) {
            download(mirror);
          } else if (name === "downloading") {
            happen({ type: "cut-off" });
          }
        }
        lost.current = state !== "ready";
      }),
    [sidecar, download, happen, mirror, name],
  );

  const cancel = useCallback(() => {
    happen({ type: "cancel-asked" });
    sidecar.call("models/cancelDownload", { modelId: modelId ?? null }).then(
      (status) => happen({ type: "cancel-answered", status }),
      (cause: unknown) => happen({ type: "cancel-refused", error: RpcError.from(cause) }),
    );
  }, [sidecar, happen, modelId]);

  const retryEnvironment = useCallback(async (mirrors: Typed) => void (await environmentRetry(mirrors)), []);
  const cancelEnvironment = useCallback(() => void environmentCancel().catch(() => undefined), []);
  const order = (asked: Promise<unknown>) => {
    happen({ type: "engine-restarted" });
    // The shell tells how it goes; that it cannot even be asked shows as an engine that stays slow.
    asked.catch(() => undefined);
  };
  const simply = (event: StageEvent) => () => happen(event);
  return {
    stage,
    log,
    retryEnvironment,
    cancelEnvironment,
    repairEnvironment: own ? () => order(environmentRepair()) : null,
    restartEngine: () => order(engineRestart()),
    check: simply({ type: "check-started" }),
    download,
    importFolder,
    cancel,
    askAccess: simply({ type: "access-asked" }),
    postponeAccess: simply({ type: "access-postponed" }),
    scan: simply({ type: "scan-asked" }),
    skipScan: simply({ type: "scan-skipped" }),
  };
}

async function readModel(sidecar: Sidecar): Promise<StageEvent> {
  const { models } = await sidecar.call("models/list", {});
  const [model] = models;
  if (!model) {
    throw new RpcError("model_not_found", { message: "the catalog lists no model" });
  }
  const status = await sidecar.call("models/status", { modelId: model.id });
  const error = new RpcError(status.kind ?? "file_damaged", { details: { files: status.damagedFiles } });
  // Whoever gave all four jobs to other models needs none on this computer.
  const needed = status.state === "ready" || (await hasJob(sidecar));
  return { type: "checked", model, status, error, needed };
}

async function hasJob(sidecar: Sidecar): Promise<boolean> {
  const { capabilities } = await sidecar.call("capabilities/list", {});
  return capabilities.some(({ builtin }) => builtin);
}
