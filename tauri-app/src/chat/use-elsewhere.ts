import { useMemo } from "react";
import type { Sidecar } from "@/rpc/sidecar";
import { CAPABILITIES } from "@/settings/sources";
import { useReported } from "@/settings/use-reported";

/** The providers on other computers that have a job: a chat may go there. */
export function useElsewhere(sidecar: Sidecar): readonly string[] {
  const { value } = useReported(sidecar, CAPABILITIES);
  return useMemo(
    () => [
      ...new Set(
        value?.filter(({ leavesComputer }) => leavesComputer).map(({ providerName }) => providerName),
      ),
    ],
    [value],
  );
}
