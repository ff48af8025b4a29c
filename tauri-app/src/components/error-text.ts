import type { TFunction } from "i18next";
import en from "@/i18n/en.json";
import type { RpcError } from "@/rpc/error";

type Failed = Pick<RpcError, "kind" | "details">;
type KnownKind = keyof typeof en.errors;
type RefusedReason = Exclude<keyof typeof en.errors.import_refused, "title" | "hint">;
type Variant = "model_not_ready.damaged" | "store_failed.damaged" | "sidecar_restarted.import";
type Key = `errors.${KnownKind | Variant | `import_refused.${RefusedReason}`}`;

/** The words for an error: what happened, and what to do about it. */
export function errorText(t: TFunction, error: Failed): { title: string; hint: string } {
  const key = keyOf(error);
  return { title: t(`${key}.title`), hint: t(`${key}.hint`) };
}

function keyOf({ kind, details }: Failed): Key {
  // Most of it is on this computer: whoever reads "not on this computer yet" would expect to download all of it again.
  if (kind === "model_not_ready" && details.reason === "damaged") {
    return "errors.model_not_ready.damaged";
  }
  // It is put right at a start, and room on the disk would not help.
  if (kind === "store_failed" && details.reason === "damaged") {
    return "errors.store_failed.damaged";
  }
  // No answer was cut off.
  if (kind === "sidecar_restarted" && details.during === "import") {
    return "errors.sidecar_restarted.import";
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
