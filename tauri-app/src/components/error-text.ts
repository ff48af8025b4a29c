import type { TFunction } from "i18next";
import { i18n } from "@/i18n";
import en from "@/i18n/en.json";
import { formatBytes } from "@/i18n/quantity";
import type { RpcError } from "@/rpc/error";

type Failed = Pick<RpcError, "kind" | "details">;
type KnownKind = keyof typeof en.errors;
type RefusedReason = Exclude<keyof typeof en.errors.import_refused, "title" | "hint">;
type Variant =
  | "model_not_ready.damaged"
  | "store_failed.damaged"
  | "sidecar_restarted.import"
  | "data_folder_in_use.erasing"
  | "mirror_unreachable.cut"
  | "disk_full.amounts"
  | "listen_refused.socket"
  | "provider_answer_invalid.too_large";
type Key = `errors.${KnownKind | Variant | `import_refused.${RefusedReason}`}`;

/** The words for an error: what happened, and what to do about it. */
export function errorText(t: TFunction, error: Failed): { title: string; hint: string } {
  const key = keyOf(error);
  return { title: t(`${key}.title`), hint: t(`${key}.hint`, room(error) ?? { path: error.details.path }) };
}

/** The same in one line. */
export function errorLine(t: TFunction, error: Failed): string {
  return t("errorLine", errorText(t, error));
}

/** How much must be free on the disk and how much is, where that was told. */
function room({ details }: Failed): { needed: string; free: string } | undefined {
  const { needed_bytes: needed, free_bytes: free } = details;
  return typeof needed === "number" && typeof free === "number"
    ? { needed: formatBytes(needed, i18n.language), free: formatBytes(free, i18n.language) }
    : undefined;
}

function keyOf(error: Failed): Key {
  const { kind, details } = error;
  // Most of it is on this computer: whoever reads "not on this computer yet" would expect to download all of it again.
  if (kind === "model_not_ready" && details.reason === "damaged") {
    return "errors.model_not_ready.damaged";
  }
  // It is put right at a start, and room on the disk would not help.
  if (kind === "store_failed" && details.reason === "damaged") {
    return "errors.store_failed.damaged";
  }
  // It does answer, but each try begins a file anew: another one helps most.
  if (kind === "mirror_unreachable" && details.resumes === false) {
    return "errors.mirror_unreachable.cut";
  }
  // The address may be right.
  if (kind === "provider_answer_invalid" && details.reason === "too_large") {
    return "errors.provider_answer_invalid.too_large";
  }
  if (kind === "disk_full" && room(error)) {
    return "errors.disk_full.amounts";
  }
  if (kind === "listen_refused" && "path" in details) {
    return "errors.listen_refused.socket";
  }
  // No answer was cut off.
  if (kind === "sidecar_restarted" && details.during === "import") {
    return "errors.sidecar_restarted.import";
  }
  // It is no window that keeps everything from being erased: there is one for each folder.
  if (kind === "data_folder_in_use" && details.during === "erasing") {
    return "errors.data_folder_in_use.erasing";
  }
  if (kind === "import_refused" && isRefusedReason(details.reason)) {
    return `errors.import_refused.${details.reason}`;
  }
  return Object.hasOwn(en.errors, kind) ? `errors.${kind as KnownKind}` : "errors.unknown";
}

function isRefusedReason(reason: unknown): reason is RefusedReason {
  const texts = en.errors.import_refused;
  return (
    typeof reason === "string" && Object.hasOwn(texts, reason) && !(reason === "title" || reason === "hint")
  );
}
