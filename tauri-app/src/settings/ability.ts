import type { Assignment, NewModel, ProviderModel, TestResult } from "@/rpc/gen/protocol";

/** One of the four jobs, also as what a model can or cannot do. */
export type Ability = Assignment["capability"];

export const ABILITIES: readonly Ability[] = ["vision", "text", "structured_output", "tool_use"];

export type AbilityState = "yes" | "no" | "unknown";

type Abilities = Pick<ProviderModel, "capabilities" | "lacking">;

/** What is known of one ability of a model. What the catalog does not say of the built-in model it cannot do. */
export function abilityState(model: Abilities, ability: Ability, builtin = false): AbilityState {
  if (model.capabilities.includes(ability)) {
    return "yes";
  }
  return builtin || model.lacking.includes(ability) ? "no" : "unknown";
}

/** The model, with another word on one of its abilities. */
export function withAbility<Model extends Abilities>(
  model: Model,
  ability: Ability,
  state: AbilityState,
): Model {
  const only = (abilities: readonly Ability[], wanted: boolean) =>
    ABILITIES.filter((each) => (each === ability ? wanted : abilities.includes(each)));
  return {
    ...model,
    capabilities: only(model.capabilities, state === "yes"),
    lacking: only(model.lacking, state === "no"),
  };
}

/** Failures that tell nothing of the model: the same question may be answered at another time. */
const SAYS_NOTHING = [
  "provider_unreachable",
  "provider_denied",
  "provider_rate_limited",
  "provider_failed",
  "request_cancelled",
];

/** The model, as a test found it; what the test could not tell stays. */
export function withResults<Model extends Abilities>(model: Model, results: readonly TestResult[]): Model {
  return results.reduce((changed, { ability, works, kind }) => {
    if (ability === "models" || (!works && kind !== null && SAYS_NOTHING.includes(kind))) {
      return changed;
    }
    return withAbility(changed, ability, works ? "yes" : "no");
  }, model);
}

export function sameAbilities(one: Abilities, other: Abilities): boolean {
  return ABILITIES.every((ability) => abilityState(one, ability) === abilityState(other, ability));
}

/** A model as it is sent back: all that the person said of it. */
export function asNewModel({ identifier, displayName, capabilities, lacking }: ProviderModel): NewModel {
  return { identifier, displayName, capabilities, lacking };
}
