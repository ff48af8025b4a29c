import { Undo2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { RpcError } from "@/rpc/error";
import type { ProviderModel } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import type { Ability } from "./ability";
import { CapabilityRow } from "./capability-row";
import { Card, Section } from "./section";
import { CAPABILITIES, PROVIDERS } from "./sources";
import { useReported } from "./use-reported";

/** The four jobs and who does them. */
export function Capabilities({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const capabilities = useReported(sidecar, CAPABILITIES);
  const providers = useReported(sidecar, PROVIDERS);
  const [errors, setErrors] = useState<Partial<Record<Ability, RpcError>>>({});
  const builtin = providers.value?.find((provider) => provider.builtin);
  const away = capabilities.value?.filter((assignment) => !assignment.builtin) ?? [];

  async function assign(capability: Ability, model: ProviderModel) {
    setErrors(({ [capability]: _, ...others }) => others);
    try {
      await sidecar.call("capabilities/assign", { capability, modelId: model.id });
      capabilities.read();
    } catch (cause) {
      setErrors((others) => ({ ...others, [capability]: RpcError.from(cause) }));
    }
  }

  async function giveBack() {
    for (const { capability } of away) {
      const model = builtin?.models.find((each) => each.capabilities.includes(capability));
      if (builtin && model) {
        await assign(capability, model);
      }
    }
  }

  return (
    <Section title={t("settings.sections.capabilities")} intro={t("settings.capabilities.intro")}>
      {[capabilities, providers].map(
        ({ error, read }, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: always the same two.
          error && <ErrorNote key={index} error={error} onRetry={read} />,
      )}
      {capabilities.value && (
        <Card>
          <ul className="divide-y">
            {capabilities.value.map((assignment) => (
              <CapabilityRow
                key={assignment.capability}
                sidecar={sidecar}
                assignment={assignment}
                providers={providers.value ?? []}
                error={errors[assignment.capability]}
                onAssign={(model) => void assign(assignment.capability, model)}
              />
            ))}
          </ul>
        </Card>
      )}
      {away.length > 0 && builtin && (
        <Button variant="outline" className="justify-self-start" onClick={() => void giveBack()}>
          <Undo2 />
          {t("settings.capabilities.giveBack")}
        </Button>
      )}
    </Section>
  );
}
