import { useEffect, useRef } from "react";
import type { NewModel, ProviderModel } from "@/rpc/gen/protocol";
import { asNewModel } from "./ability";

/** What becomes of a model as it is by then. */
export type ModelChange = (model: ProviderModel) => ProviderModel;

/**
 * Changes a provider's models one after the other, each change made to what the one before has left: the list that is
 * shown may not have that yet. `save` takes the whole list and gives back what is kept now.
 */
export function useModelChanges(
  models: readonly ProviderModel[],
  save: (models: NewModel[]) => Promise<readonly ProviderModel[]>,
): (id: string, change: ModelChange) => Promise<void> {
  const newest = useRef(models);
  const last = useRef<Promise<void>>(Promise.resolve());
  useEffect(() => {
    newest.current = models;
  }, [models]);
  return (id, change) => {
    const saved = last.current.then(async () => {
      const changed = newest.current.map((model) => asNewModel(model.id === id ? change(model) : model));
      newest.current = await save(changed);
    });
    last.current = saved.catch(() => undefined);
    return saved;
  };
}
