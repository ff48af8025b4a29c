/** The sidecar's settings in people's words: gigabytes, seconds, minutes, and the side of a square picture. */
import type { Setting } from "@/rpc/gen/protocol";
import type { Read } from "./use-typed";

export type SettingKey = Setting["key"];

/** In the order in which they are listed. */
export const SETTING_KEYS: readonly SettingKey[] = [
  "memoryBudgetBytes",
  "restSeconds",
  "unloadMinutes",
  "backgroundPixels",
];

const GIGABYTE = 1_000_000_000;

/** What a person reads and types for a value of the sidecar. */
export function toShown(key: SettingKey, value: number): number {
  switch (key) {
    case "memoryBudgetBytes":
      return Math.round((value / GIGABYTE) * 100) / 100;
    case "backgroundPixels":
      return Math.round(Math.sqrt(value));
    default:
      return value;
  }
}

function fromShown(key: SettingKey, shown: number): number {
  switch (key) {
    case "memoryBudgetBytes":
      return Math.round(shown * GIGABYTE);
    case "backgroundPixels":
      return Math.round(shown) ** 2;
    default:
      return Math.round(shown);
  }
}

export type Typed = Read<number | null, "notANumber" | "outOfRange">;

/** The sidecar's value for what a person typed; nothing typed is the default. */
export function readTyped({ key, minimum, maximum }: Setting, text: string): Typed {
  const typed = text.trim().replace(",", ".");
  if (typed === "") {
    return { value: null };
  }
  if (!/^\d+(\.\d+)?$/.test(typed)) {
    return { problem: "notANumber" };
  }
  const value = fromShown(key, Number(typed));
  return value < minimum || value > maximum ? { problem: "outOfRange" } : { value };
}
