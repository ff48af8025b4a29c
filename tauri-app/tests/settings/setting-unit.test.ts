import { expect, test } from "vitest";
import type { Setting } from "@/rpc/gen/protocol";
import { readTyped, SETTING_KEYS, toShown } from "@/settings/setting-unit";
import { SETTINGS } from "../shell/settings";

const setting = (key: Setting["key"]): Setting => {
  const found = SETTINGS.find((each) => each.key === key);
  if (!found) {
    throw new Error(`no setting ${key}`);
  }
  return found;
};

test("memory is in gigabytes, and a comma is a point", () => {
  expect(toShown("memoryBudgetBytes", 4_500_000_000)).toBe(4.5);
  expect(readTyped(setting("memoryBudgetBytes"), "4,5")).toEqual({ value: 4_500_000_000 });
});

test("a picture's size is the side of a square", () => {
  expect(toShown("backgroundPixels", 448 * 448)).toBe(448);
  expect(readTyped(setting("backgroundPixels"), "512")).toEqual({ value: 512 * 512 });
});

test("nothing typed is the default", () => {
  expect(readTyped(setting("restSeconds"), "  ")).toEqual({ value: null });
});

test.each(["four", "-1", "1e9", "0x10", "1.2.3"])("%s is no number", (text) => {
  expect(readTyped(setting("restSeconds"), text)).toEqual({ problem: "notANumber" });
});

test("both ends of each range can be typed as they are shown, and nothing beyond", () => {
  for (const key of SETTING_KEYS) {
    const { minimum, maximum } = setting(key);
    expect(readTyped(setting(key), String(toShown(key, minimum)))).toEqual({ value: minimum });
    expect(readTyped(setting(key), String(toShown(key, maximum)))).toEqual({ value: maximum });
    expect(readTyped(setting(key), String(toShown(key, maximum) + 1))).toEqual({ problem: "outOfRange" });
    expect(readTyped(setting(key), "0")).toEqual({ problem: "outOfRange" });
  }
});
