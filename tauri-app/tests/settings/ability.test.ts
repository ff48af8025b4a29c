import { expect, test } from "vitest";
import { abilityState, sameAbilities, withAbility, withResults } from "@/settings/ability";

const MODEL = { capabilities: ["text" as const], lacking: ["vision" as const] };

function result(
  ability: "models" | "vision" | "text" | "tool_use",
  works: boolean,
  kind: string | null = null,
) {
  return { ability, works, seconds: 1, kind, reason: null };
}

test("what nobody has said of a model is unknown, but of the built-in one it is a no", () => {
  expect(abilityState(MODEL, "text")).toBe("yes");
  expect(abilityState(MODEL, "vision")).toBe("no");
  expect(abilityState(MODEL, "tool_use")).toBe("unknown");
  expect(abilityState(MODEL, "tool_use", true)).toBe("no");
});

test("an ability is said once: yes, no or neither", () => {
  expect(withAbility(MODEL, "vision", "yes")).toEqual({ capabilities: ["vision", "text"], lacking: [] });
  expect(withAbility(MODEL, "text", "no")).toEqual({ capabilities: [], lacking: ["vision", "text"] });
  expect(withAbility(MODEL, "vision", "unknown")).toEqual({ capabilities: ["text"], lacking: [] });
});

test("a test says of a model what it found, and nothing where the server was at fault", () => {
  const found = withResults(MODEL, [
    result("models", true),
    result("vision", true),
    result("text", false, "provider_rate_limited"),
    result("tool_use", false, "provider_rejected"),
  ]);
  expect(found).toEqual({ capabilities: ["vision", "text"], lacking: ["tool_use"] });
  expect(sameAbilities(found, MODEL)).toBe(false);
  expect(sameAbilities(withResults(MODEL, []), MODEL)).toBe(true);
});
