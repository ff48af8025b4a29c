/** Answers of a sidecar, for scripts of the shell. */
import type {
  AssignmentsResult,
  BuiltinModel,
  ChatCompletion,
  ChatCompletionChunk,
  ComputerDescription,
  DownloadEvent,
  EngineStatus,
  ModelFit,
  ModelStatus,
} from "@/rpc/gen/protocol";
import type { Answers, Call } from "./replay";

export const MODEL: BuiltinModel = {
  id: "qwen3-vl-4b",
  repository: "mlx-community/Qwen3-VL-4B-Instruct-3bit",
  revision: null,
  displayName: "Qwen3-VL 4B (3-bit)",
  capabilities: ["vision", "text", "structured_output", "tool_use"],
  mirrors: ["https://huggingface.co", "https://hf-mirror.com"],
  totalBytes: 2_600_000_000,
  state: "absent",
};

export function modelStatus(part: Partial<ModelStatus> = {}): ModelStatus {
  return {
    modelId: MODEL.id,
    state: "absent",
    downloadedBytes: 0,
    totalBytes: MODEL.totalBytes,
    kind: null,
    damagedFiles: [],
    activity: null,
    mirror: null,
    update: null,
    ...part,
  };
}

export function downloadEvent(part: Partial<DownloadEvent> = {}): DownloadEvent {
  return {
    model_id: MODEL.id,
    progress: 46.2,
    status: "downloading",
    message: "Downloading... 1.2GB / 2.6GB",
    speed_mbps: 18.4,
    downloaded_bytes: 1_200_000_000,
    total_bytes: MODEL.totalBytes,
    eta_seconds: 76,
    file: "model.safetensors",
    ...part,
  };
}

export function engineStatus(part: Partial<EngineStatus> = {}): EngineStatus {
  return {
    loaded: false,
    loading: false,
    loadProgress: null,
    modelId: null,
    device: null,
    activeBytes: 0,
    peakBytes: 0,
    estimatedPeakBytes: 0,
    budgetBytes: null,
    queued: { high: 0, low: 0 },
    running: { high: 0, low: 0 },
    paused: false,
    tokensPerSecond: null,
    loadSeconds: null,
    lowStepP99Ms: null,
    ...part,
  };
}

export function computer(fit: Partial<ModelFit> = {}): ComputerDescription {
  return {
    chip: "Apple M3",
    architecture: "arm64",
    system: "macOS",
    systemVersion: "15.1",
    memoryBytes: 17_179_869_184,
    freeDiskBytes: 120_000_000_000,
    device: "metal",
    fit: {
      modelId: MODEL.id,
      verdict: "good",
      reasons: [],
      neededBytes: 2_600_000_000,
      tokensPerSecond: 19.2,
      tokensPerSecondAtMost: 38.5,
      speedBasis: "published_bandwidth",
      ...fit,
    },
  };
}

/** Who does the four jobs: the built-in model, or one on a server of this computer. */
export function assignments(builtin = true): AssignmentsResult {
  const capabilities = (["vision", "text", "structured_output", "tool_use"] as const).map((capability) => ({
    capability,
    modelId: builtin ? MODEL.id : "5e0b1c1e-8f0a-4d5e-9d4e-3c1f6f1f2a77",
    modelName: builtin ? MODEL.displayName : "Qwen3-VL 32B",
    providerId: builtin ? "builtin" : "9f6c1f0e-54b0-4d1c-8f55-0c2f3c5f7b21",
    providerName: builtin ? "[Builtin]" : "vLLM",
    builtin,
    leavesComputer: false,
    ready: true,
    kind: null,
    unknown: false,
  }));
  return { capabilities };
}

/** A sidecar whose model is in `status`. */
export function withModel(status: Partial<ModelStatus> = {}, answers: Answers = {}): Answers {
  const current = modelStatus(status);
  return {
    "models/list": () => ({ models: [{ ...MODEL, state: current.state }] }),
    "models/status": () => current,
    "models/download": () => modelStatus({ state: "downloading" }),
    "models/cancelDownload": () => modelStatus({ state: "partial", downloadedBytes: 1_200_000_000 }),
    "engine/status": () => engineStatus(),
    "library/scan": () => ({ folders: 0 }),
    "capabilities/list": () => assignments(),
    "computer/describe": () => computer(),
    "store/status": () => ({ recovery: null }),
    "sessions/list": () => ({ sessions: [], cursor: null }),
    ...answers,
  };
}

export const READY = { state: "ready", downloadedBytes: 2_600_000_000 } as const;

/** One piece of an answer, on its way to the call that asked. */
export function sendPiece(call: Call, content: string): void {
  const chunk: ChatCompletionChunk = {
    id: `chatcmpl-${call.requestId}`,
    object: "chat.completion.chunk",
    created: 1_760_000_000,
    model: MODEL.repository,
    choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }],
  };
  call.notify({ method: "chat/chunk", params: { requestId: call.requestId, chunk } });
}

export function completion(content: string, finishReason: "stop" | "length" = "stop"): ChatCompletion {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_760_000_000,
    model: MODEL.repository,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage: {
      prompt_tokens: 20,
      completion_tokens: 12,
      total_tokens: 32,
      prompt_tokens_details: { cached_tokens: 0 },
    },
    timings: { queue_ms: 1, prefill_ms: 50, ttft_ms: 51, tokens_per_second: 40 },
  };
}

export function failure(kind: string, retryable = false) {
  return { kind, retryable, message: `${kind} for a test`, details: {} };
}
