/** The states of the sidecar that Settings shows. */
import type { Assignment, Provider, Setting } from "@/rpc/gen/protocol";
import type { Source } from "./use-reported";

/** Who does the four jobs. */
export const CAPABILITIES: Source<Assignment[]> = {
  read: async (sidecar) => (await sidecar.call("capabilities/list", {})).capabilities,
  listen: (sidecar, hear) =>
    sidecar.on("capabilities/changed", ({ capabilities }) => hear(() => capabilities)),
};

/** All providers, the built-in one first. */
export const PROVIDERS: Source<Provider[]> = {
  read: async (sidecar) => (await sidecar.call("providers/list", {})).providers,
  listen: (sidecar, hear) => sidecar.on("providers/changed", ({ providers }) => hear(() => providers)),
};

/** The sidecar's own settings. */
export const SETTINGS: Source<Setting[]> = {
  read: async (sidecar) => (await sidecar.call("settings/get", {})).settings,
  listen: (sidecar, hear) =>
    sidecar.on("settings/changed", (changed) =>
      hear((known) => known?.map((setting) => (setting.key === changed.key ? changed : setting)) ?? null),
    ),
};
