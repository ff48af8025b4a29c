import { LoaderCircle } from "lucide-react";
import { useCallback, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { RpcError } from "@/rpc/error";
import type { Assignment, NewModel, Provider } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { asNewModel } from "./ability";
import { useJobNames } from "./job-names";

/** Models from which on the list can be filtered. */
const MANY = 9;

type FindModelsProps = {
  sidecar: Sidecar;
  provider: Provider;
  /** The jobs that models of the provider have. */
  jobs: readonly Assignment[];
  onList: (models: NewModel[]) => Promise<unknown>;
  onClose: () => void;
};

/** Asks the server what it has, and lets the person choose which of it is offered for the jobs. */
export function FindModels({ sidecar, provider, jobs, onList, onClose }: FindModelsProps) {
  const { t } = useTranslation();
  const { identifiers, error, ask } = useServedModels(sidecar, provider);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(
    () => new Set(provider.models.map(({ identifier }) => identifier)),
  );
  const [filter, setFilter] = useState("");
  const [saving, setSaving] = useState(false);
  const [refused, setRefused] = useState<RpcError | null>(null);
  const id = useId();
  const shown = identifiers?.filter((each) => each.toLowerCase().includes(filter.trim().toLowerCase()));
  const kept = provider.models.filter(({ identifier }) => ticked.has(identifier));
  const lost = useJobNames(jobs.filter(({ modelId }) => !kept.some((model) => model.id === modelId)));

  function tick(identifier: string, on: boolean) {
    const next = new Set(ticked);
    if (on) {
      next.add(identifier);
    } else {
      next.delete(identifier);
    }
    setTicked(next);
  }

  async function save() {
    const known = kept.map(({ identifier }) => identifier);
    const added = (identifiers ?? []).filter((each) => ticked.has(each) && !known.includes(each));
    setSaving(true);
    try {
      await onList([...kept.map(asNewModel), ...added.map((identifier) => ({ identifier }))]);
      onClose();
    } catch (cause) {
      setRefused(RpcError.from(cause));
      setSaving(false);
    }
  }

  return (
    <Dialog
      title={t("settings.providers.models.choose", { name: provider.name })}
      description={<p>{t("settings.providers.models.chooseHint")}</p>}
      onClose={onClose}
    >
      <div role="status" className="mt-4">
        {!identifiers && !error && (
          <p className="flex items-center gap-2 text-muted-foreground text-sm">
            <LoaderCircle aria-hidden="true" className="size-4 animate-spin" />
            {t("settings.providers.models.finding")}
          </p>
        )}
        {identifiers?.length === 0 && (
          <p className="text-muted-foreground text-sm">{t("settings.providers.models.empty")}</p>
        )}
      </div>
      {error && <ErrorNote error={error} onRetry={ask} />}
      {identifiers && identifiers.length >= MANY && (
        <Input
          aria-label={t("settings.providers.models.filter")}
          placeholder={t("settings.providers.models.filter")}
          spellCheck={false}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      {shown && shown.length > 0 && (
        <ul className="mt-3 max-h-72 divide-y overflow-y-auto rounded-xl border bg-card">
          {shown.map((identifier) => (
            <li key={identifier} className="flex items-center gap-3 px-3.5">
              <Checkbox
                id={`${id}-${identifier}`}
                checked={ticked.has(identifier)}
                onCheckedChange={(on) => tick(identifier, on === true)}
              />
              <label
                htmlFor={`${id}-${identifier}`}
                className="min-w-0 grow cursor-pointer break-words py-2 text-sm"
              >
                {identifier}
              </label>
            </li>
          ))}
        </ul>
      )}
      {shown?.length === 0 && identifiers && identifiers.length > 0 && (
        <p className="mt-3 text-muted-foreground text-sm">{t("settings.providers.models.nothing")}</p>
      )}
      {identifiers && lost !== "" && (
        <p role="status" className="mt-3 text-sm">
          {t("settings.providers.models.goesBack", { jobs: lost })}
        </p>
      )}
      {refused && <ErrorNote error={refused} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button disabled={!identifiers || saving} onClick={() => void save()}>
          {t("settings.providers.models.list")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** What the server says it has, after what is listed already and it no longer says. */
function useServedModels(sidecar: Sidecar, provider: Provider) {
  const [identifiers, setIdentifiers] = useState<readonly string[] | null>(null);
  const [error, setError] = useState<RpcError | null>(null);
  const [listed] = useState(() => provider.models.map(({ identifier }) => identifier));
  const [turn, setTurn] = useState(0);
  const { id } = provider;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn is another question.
  useEffect(() => {
    const own = new AbortController();
    setError(null);
    sidecar.call("providers/models", { providerId: id }, { signal: own.signal }).then(
      ({ identifiers }) => {
        if (!own.signal.aborted) {
          setIdentifiers([...new Set([...listed, ...identifiers])]);
        }
      },
      (cause: unknown) => {
        if (!own.signal.aborted) {
          setError(RpcError.from(cause));
        }
      },
    );
    return () => own.abort();
  }, [sidecar, id, listed, turn]);
  const ask = useCallback(() => setTurn((turn) => turn + 1), []);
  return { identifiers, error, ask };
}
