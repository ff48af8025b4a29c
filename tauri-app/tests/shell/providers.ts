/** Providers and who does the jobs, for scripts of the shell. */
import type { Assignment, NewModel, Provider, ProviderModel } from "@/rpc/gen/protocol";
import type { Ability } from "@/settings/ability";
import { ABILITIES } from "@/settings/ability";
import { leavesComputer } from "@/settings/provider-address";
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

/** A sidecar that keeps these providers and who does the jobs, behind a shell whose person agrees to everything. */
export function withProviders(
  initial: Provider[] = ALL,
  given: Partial<Record<Ability, Assignment>> = {},
): Answers {
  let providers = initial;
  const rows = new Map(ABILITIES.map((ability) => [ability, given[ability] ?? assignment(ability)]));
  const capabilities = () => ({ capabilities: [...rows.values()] });
  const found = (id: string): Provider => {
    const provider = providers.find((each) => each.id === id);
    if (!provider) {
      throw failure("provider_not_found");
    }
    return provider;
  };
  const keep = (changed: Provider) => {
    const known = providers.some(({ id }) => id === changed.id);
    providers = known
      ? providers.map((each) => (each.id === changed.id ? changed : each))
      : [...providers, changed];
    return { provider: changed };
  };
  return {
    "providers/list": () => ({ providers }),
    "providers/create": ({ params: { name, baseUrl, preset = "openai" } }) =>
      keep({
        ...OLLAMA,
        id: `${name}-new`,
        name,
        baseUrl,
        preset,
        leavesComputer: leavesComputer(baseUrl),
        concurrency: 4,
        background: false,
        models: [],
      }),
    "providers/update": ({ params: { providerId, name, baseUrl, concurrency, background, models } }) => {
      const before = found(providerId);
      return keep({
        ...before,
        name: name ?? before.name,
        baseUrl: baseUrl ?? before.baseUrl,
        concurrency: concurrency ?? before.concurrency,
        background: background ?? before.background,
        models: models?.map((model) => modelOf(before, model)) ?? before.models,
      });
    },
    "providers/delete": ({ params: { providerId } }) => {
      providers = providers.filter(({ id }) => id !== providerId);
      for (const [ability, row] of rows) {
        if (row.providerId === providerId) {
          rows.set(ability, assignment(ability));
        }
      }
      return capabilities();
    },
    "providers/models": () => ({ identifiers: ["qwen3:8b", "gemma3:12b", "nomic-embed-text"] }),
    "capabilities/list": capabilities,
    "capabilities/assign": ({ params: { capability, modelId } }) => {
      const row = assignment(capability, modelId);
      rows.set(capability, row);
      return row;
    },
  };
}

function modelOf(provider: Provider, model: NewModel): ProviderModel {
  const known = provider.models.find(({ identifier }) => identifier === model.identifier);
  return {
    id: known?.id ?? `${provider.id}/${model.identifier}`,
    identifier: model.identifier,
    displayName: model.displayName ?? model.identifier,
    capabilities: model.capabilities ?? [],
    lacking: model.lacking ?? [],
  };
}
