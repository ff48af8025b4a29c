import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

/** The colours of tokens.css in one theme. */
function colours(theme: "light" | "dark"): Map<string, string> {
  const css = readFileSync("src/styles/tokens.css", "utf8");
  const pairs = css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g);
  return new Map(
    [...pairs].map(([, name = "", light = "", dark = ""]) => [name, theme === "light" ? light : dark]),
  );
}

/** Relative luminance, as https://www.w3.org/TR/WCAG22/#dfn-relative-luminance defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT: [text: string, grounds: string[]][] = [
  [
    "foreground",
    [
      ...["background", "sidebar", "card", "popover", "muted", "accent", "bubble", "code"],
      ...["destructive-soft", "selection"],
    ],
  ],
  ["muted-foreground", ["background", "sidebar", "card", "popover", "muted", "accent"]],
  ["primary", ["background", "card", "primary-soft"]],
  ["primary-foreground", ["primary", "primary-hover"]],
  ["destructive", ["background", "destructive-soft"]],
  ["background", ["foreground"]],
];

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  const colour = colours(theme);
  const of = (name: string) => colour.get(name) ?? expect.fail(`tokens.css has no colour --${name}`);

  test.each(TEXT.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    "%s can be read on %s",
    (text, ground) => {
      expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(["background", "sidebar", "card"])("the focus can be seen on %s", (ground) => {
    expect(contrast(of("ring"), of(ground))).toBeGreaterThanOrEqual(3);
  });
});
