import { useEffect, useState } from "react";
import type { Sidecar } from "@/rpc/sidecar";

/**
 * Whether a model is not ready because some of its files are damaged: of an answer that broke off only the kind is kept,
 * which does not say so.
 */
export function useDamaged(sidecar: Sidecar, kind: string | null): boolean {
  const [damaged, setDamaged] = useState(false);
  useEffect(() => {
    if (kind !== "model_not_ready") {
      return;
    }
    let gone = false;
    isDamaged(sidecar).then(
      (is) => gone || setDamaged(is),
      // Then it is told as a missing one; the way on is the same.
      () => undefined,
    );
    return () => {
      gone = true;
      setDamaged(false);
    };
  }, [sidecar, kind]);
  return damaged;
}

async function isDamaged(sidecar: Sidecar): Promise<boolean> {
  const { models } = await sidecar.call("models/list", {});
  const statuses = await Promise.all(
    models.map(({ id: modelId }) => sidecar.call("models/status", { modelId })),
  );
  return statuses.some(({ damagedFiles }) => damagedFiles.length > 0);
}
