import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

test("the generated types are what the schemas say", () => {
  expect(() =>
    execFileSync(process.execPath, ["scripts/generate-types.mjs", "--check"], { stdio: "pipe" }),
  ).not.toThrow();
}, 30_000);
