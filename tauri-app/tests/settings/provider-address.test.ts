import { expect, test } from "vitest";
import { addressProblem, isPlain, leavesComputer, PRESETS, sameOrigin } from "@/settings/provider-address";

test.each([
  ["https://api.example.com/v1", null],
  ["  http://192.168.1.4:8000/v1 ", null],
  ["http://[::1]:11434", null],
  ["", "empty"],
  ["localhost:11434", "scheme"],
  ["ftp://example.com", "scheme"],
  ["https://", "scheme"],
  ["https://a:b@example.com", "credentials"],
  ["https://example.com/v1?key=a", "query"],
  ["https://example.com/v1#", "query"],
  ["https://exa mple.com", "characters"],
  ["https://例子.example", "characters"],
  ["https:\\\\example.com", "characters"],
])("of the address %j the problem is %s", (address, problem) => {
  expect(addressProblem(address)).toBe(problem);
});

test("only addresses of this computer itself stay on it", () => {
  for (const { address } of Object.values(PRESETS)) {
    expect(leavesComputer(address)).toBe(false);
  }
  expect(leavesComputer("http://127.0.0.5:1")).toBe(false);
  expect(leavesComputer("http://[::1]:1")).toBe(false);
  expect(leavesComputer("http://192.168.1.4")).toBe(true);
  expect(leavesComputer("http://localhost.example.com")).toBe(true);
});

test("only http that leaves the computer can be read on the way", () => {
  expect(isPlain("http://192.168.1.4")).toBe(true);
  expect(isPlain("https://192.168.1.4")).toBe(false);
  expect(isPlain("http://localhost:1")).toBe(false);
});

test("a key belongs to scheme, host and port", () => {
  expect(sameOrigin("https://a.example/v1", "https://a.example:443/v2")).toBe(true);
  expect(sameOrigin("https://a.example", "http://a.example")).toBe(false);
  expect(sameOrigin("https://a.example", "https://a.example:8443")).toBe(false);
});
