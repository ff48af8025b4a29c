/** The sidecar's settings, for scripts of the shell. */
import type { Setting } from "@/rpc/gen/protocol";
import type { Answers } from "./replay";

/** As they are at first, with the ranges of the real ones. */
export const SETTINGS: readonly Setting[] = [
  {
    key: "memoryBudgetBytes",
    owner: "sidecar",
    value: null,
    default: null,
    minimum: 1_000_000_000,
    maximum: 1_000_000_000_000,
  },
  { key: "restSeconds", owner: "sidecar", value: 60, default: 60, minimum: 5, maximum: 3600 },
  { key: "unloadMinutes", owner: "sidecar", value: 30, default: 30, minimum: 1, maximum: 1440 },
  {
    key: "backgroundPixels",
    owner: "sidecar",
    value: 448 * 448,
    default: 448 * 448,
    minimum: 112 * 112,
    maximum: 2048 * 2048,
  },
];

/** A sidecar that keeps them. */
export function withSettings(values: Partial<Record<Setting["key"], number>> = {}): Answers {
  let settings = SETTINGS.map((setting) => ({ ...setting, value: values[setting.key] ?? setting.value }));
  return {
    "settings/get": () => ({ settings }),
    "settings/set": ({ params: { key, value } }) => {
      settings = settings.map((each) =>
        each.key === key ? { ...each, value: value ?? each.default } : each,
      );
      const changed = settings.find((each) => each.key === key);
      if (!changed) {
        throw new Error(`no setting ${key}`);
      }
      return changed;
    },
  };
}
