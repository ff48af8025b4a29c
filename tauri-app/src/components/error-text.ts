import type { TFunction } from "i18next";
import en from "@/i18n/en.json";
import type { RpcError } from "@/rpc/error";

type KnownKind = keyof typeof en.errors;

/** The words for an error: what happened, and what to do about it. */
export function errorText(t: TFunction, { kind }: Pick<RpcError, "kind">): { title: string; hint: string } {
  const known: KnownKind = Object.hasOwn(en.errors, kind) ? (kind as KnownKind) : "unknown";
  return { title: t(`errors.${known}.title`), hint: t(`errors.${known}.hint`) };
}
