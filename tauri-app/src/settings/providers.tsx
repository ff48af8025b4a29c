import { Plus, Server } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import type { Sidecar } from "@/rpc/sidecar";
import { ProviderCard } from "./provider-card";
import { ProviderForm } from "./provider-form";
import { Card, Section } from "./section";
import { CAPABILITIES, PROVIDERS } from "./sources";
import { useReported } from "./use-reported";

/** The servers that the person added. */
export function Providers({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const providers = useReported(sidecar, PROVIDERS);
  const capabilities = useReported(sidecar, CAPABILITIES);
  const [adding, setAdding] = useState(false);
  const added = providers.value?.filter(({ builtin }) => !builtin);

  function read() {
    providers.read();
    capabilities.read();
  }

  function end() {
    setAdding(false);
    read();
  }

  return (
    <Section
      title={t("settings.sections.providers")}
      intro={t("settings.providers.intro")}
      action={
        <Button variant="outline" onClick={() => setAdding(true)}>
          <Plus />
          {t("settings.providers.add")}
        </Button>
      }
    >
      {providers.error && <ErrorNote error={providers.error} onRetry={read} />}
      {added?.length === 0 && (
        <Card className="grid justify-items-center gap-1 px-6 py-10 text-center">
          <span className="mb-2 grid size-11 place-items-center rounded-xl bg-primary-soft text-primary">
            <Server aria-hidden="true" className="size-5" />
          </span>
          <p className="font-medium">{t("settings.providers.none")}</p>
          <p className="max-w-[26rem] text-muted-foreground text-sm">{t("settings.providers.noneHint")}</p>
        </Card>
      )}
      {added?.map((provider) => (
        <ProviderCard
          key={provider.id}
          sidecar={sidecar}
          provider={provider}
          jobs={capabilities.value?.filter(({ providerId }) => providerId === provider.id) ?? []}
          onChanged={read}
        />
      ))}
      {adding && <ProviderForm sidecar={sidecar} provider={null} onSaved={end} onClose={end} />}
    </Section>
  );
}
