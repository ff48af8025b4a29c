/** Providers and who does the jobs, for scripts of the shell. */
import type { Assignment, Provider } from "@/rpc/gen/protocol";
import type { Ability } from "@/settings/ability";
import { ABILITIES } from "@/settings/ability";
import type { Answers } from "./replay";
import { failure, MODEL } from "./sidecar";

export const BUILTIN: Provider = {
  id: "builtin",
  name: "[Builtin]",
  baseUrl: "builtin:",
  preset: null,
  builtin: true,
  leavesComputer: false,
  hasSecret: false,
  background: true,
  concurrency: 1,
  models: [
    {
      id: MODEL.id,
      identifier: MODEL.repository,
      displayName: MODEL.displayName,
      capabilities: [...ABILITIES],
      lacking: [],
    },
  ],
};

/** A server on this computer. */
export const OLLAMA: Provider = {
  id: "ollama-1",
  name: "Ollama",
  baseUrl: "http://localhost:11434/v1",
  preset: "ollama",
  builtin: false,
  leavesComputer: false,
  hasSecret: false,
  background: true,
  concurrency: 2,
  models: [
    {
      id: "ollama-qwen",
      identifier: "qwen3:8b",
      displayName: "qwen3:8b",
      capabilities: ["text", "tool_use"],
      lacking: ["vision"],
    },
  ],
};

/** A server elsewhere, with a key. */
export const ELSEWHERE: Provider = {
  id: "elsewhere-1",
  name: "Example Cloud",
  baseUrl: "https://api.example.com/v1",
  preset: "openai",
  builtin: false,
  leavesComputer: true,
  hasSecret: true,
  background: false,
  concurrency: 4,
  models: [
    {
      id: "elsewhere-large",
      identifier: "large-vl",
      displayName: "Large VL",
      capabilities: ["vision", "text"],
      lacking: [],
    },
  ],
};

export const ALL = [BUILTIN, OLLAMA, ELSEWHERE];

/** `modelId` does the job. */
export function assignment(
  capability: Ability,
  modelId: string = MODEL.id,
  part: Partial<Assignment> = {},
): Assignment {
  const owner = ALL.find(({ models }) => models.some(({ id }) => id === modelId)) ?? BUILTIN;
  const model = owner.models.find(({ id }) => id === modelId);
  return {
    capability,
    modelId,
    modelName: model?.displayName ?? modelId,
    providerId: owner.id,
    providerName: owner.name,
    builtin: owner.builtin,
    leavesComputer: owner.leavesComputer,
    ready: true,
    kind: null,
    unknown: !model?.capabilities.includes(capability),
    ...part,
  };
}

/** A sidecar that has these providers, keeps who does the jobs, and asks for consent as the real one does. */
export function withProviders(
  providers: Provider[] = ALL,
  given: Partial<Record<Ability, Assignment>> = {},
): Answers {
  const rows = new Map(ABILITIES.map((ability) => [ability, given[ability] ?? assignment(ability)]));
  return {
    "providers/list": () => ({ providers }),
    "capabilities/list": () => ({ capabilities: [...rows.values()] }),
    "capabilities/assign": ({ params: { capability, modelId, accept } }) => {
      const row = assignment(capability, modelId);
      if (row.leavesComputer && !accept?.includes("leaves_computer")) {
        throw {
          ...failure("consent_needed"),
          details: { needs: ["leaves_computer"], host: "api.example.com" },
        };
      }
      rows.set(capability, row);
      return row;
    },
  };
}
