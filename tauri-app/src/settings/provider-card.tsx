import { Globe, House, KeyRound, Pencil, Search, Trash2 } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { RpcError } from "@/rpc/error";
import type { Assignment, Provider, UpdateParams } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { FindModels } from "./find-models";
import { ProviderForm } from "./provider-form";
import { ProviderLimits } from "./provider-limits";
import { ProviderModelRow } from "./provider-model-row";
import { RemoveProvider } from "./remove-provider";
import { Badge, Card } from "./section";
import { ServerTest } from "./server-test";
import { useModelChanges } from "./use-model-changes";

type ProviderCardProps = {
  sidecar: Sidecar;
  provider: Provider;
  /** The jobs that its models have. */
  jobs: readonly Assignment[];
  /** Something of it was changed. */
  onChanged: () => void;
};

/** One provider: where it is, its models and what they can do, and what may go there. */
export function ProviderCard({ sidecar, provider, jobs, onChanged }: ProviderCardProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<"edit" | "remove" | "find" | null>(null);
  const [error, setError] = useState<RpcError | null>(null);
  const title = useId();
  const close = () => setAsking(null);
  const { id, models } = provider;

  /** The models afterwards. */
  async function update(part: Omit<UpdateParams, "providerId" | "accept">) {
    const updated = await sidecar.call("providers/update", { ...part, providerId: id });
    onChanged();
    return updated.provider.models;
  }

  function attempt(change: Promise<unknown>) {
    setError(null);
    change.catch((cause: unknown) => setError(RpcError.from(cause)));
  }

  const changeModel = useModelChanges(models, (models) => update({ models }));

  return (
    <Card role="group" aria-labelledby={title}>
      <div className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
        <div className="min-w-0">
          <h3 id={title} className="break-words font-semibold">
            {provider.name}
          </h3>
          <p className="selectable break-all text-[0.8125rem] text-muted-foreground">{provider.baseUrl}</p>
          <div className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1">
            {provider.leavesComputer ? (
              <Badge icon={<Globe aria-hidden="true" />}>{t("settings.capabilities.leaves")}</Badge>
            ) : (
              <Badge icon={<House aria-hidden="true" />}>{t("settings.capabilities.stays")}</Badge>
            )}
            <Badge icon={<KeyRound aria-hidden="true" />}>
              {t(provider.hasSecret ? "settings.providers.keyKept" : "settings.providers.keyNone")}
            </Badge>
          </div>
        </div>
        <div className="flex shrink-0">
          <Tooltip content={t("settings.providers.edit")}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={t("settings.providers.edit")}
              aria-describedby={title}
              onClick={() => setAsking("edit")}
            >
              <Pencil />
            </Button>
          </Tooltip>
          <Tooltip content={t("settings.providers.remove")}>
            <Button
              variant="ghost"
              size="icon-sm"
              aria-label={t("settings.providers.remove")}
              aria-describedby={title}
              onClick={() => setAsking("remove")}
            >
              <Trash2 />
            </Button>
          </Tooltip>
        </div>
      </div>
      <div className="border-t px-5 py-3">
        <div className="flex items-center justify-between gap-4">
          <h4 className="font-medium text-sm">{t("settings.providers.models.title")}</h4>
          <Button variant="outline" size="sm" onClick={() => setAsking("find")}>
            <Search />
            {t("settings.providers.models.find")}
          </Button>
        </div>
        {models.length === 0 ? (
          <ServerTest sidecar={sidecar} provider={provider} />
        ) : (
          <ul className="mt-1 divide-y">
            {models.map((model) => (
              <ProviderModelRow
                key={model.id}
                sidecar={sidecar}
                provider={provider}
                model={model}
                onChange={(change) => attempt(changeModel(model.id, change))}
              />
            ))}
          </ul>
        )}
      </div>
      <ProviderLimits
        provider={provider}
        onConcurrency={(concurrency) => update({ concurrency })}
        onBackground={(background) => attempt(update({ background }))}
      />
      {error && <ErrorNote error={error} className="mx-5 mb-4" />}
      {asking === "edit" && (
        <ProviderForm
          sidecar={sidecar}
          provider={provider}
          onClose={() => {
            close();
            onChanged();
          }}
          onSaved={() => {
            close();
            onChanged();
          }}
        />
      )}
      {asking === "remove" && (
        <RemoveProvider
          provider={provider}
          jobs={jobs}
          onRemove={async () => {
            await sidecar.call("providers/delete", { providerId: id });
            onChanged();
          }}
          onClose={close}
        />
      )}
      {asking === "find" && (
        <FindModels
          sidecar={sidecar}
          provider={provider}
          jobs={jobs}
          onList={(models) => update({ models })}
          onClose={close}
        />
      )}
    </Card>
  );
}
