import { Check, Gauge } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import type { Provider, ProviderModel, TestResult } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { ABILITIES, abilityState, sameAbilities, withAbility, withResults } from "./ability";
import { AbilityChip } from "./ability-chip";
import { ModelTestView } from "./model-test-view";
import type { ModelChange } from "./use-model-changes";
import { useModelTest } from "./use-model-test";

type ProviderModelRowProps = {
  sidecar: Sidecar;
  provider: Provider;
  model: ProviderModel;
  onChange: (change: ModelChange) => void;
};

/** One model at a server: what the person says it can do, and a test of that. */
export function ProviderModelRow({ sidecar, provider, model, onChange }: ProviderModelRowProps) {
  const { t } = useTranslation();
  const { test, start, stop, forget } = useModelTest(sidecar, provider.id, model.identifier);
  return (
    <li className="grid gap-2.5 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <p className="selectable min-w-0 break-words font-medium text-sm">{model.displayName}</p>
        <Button
          variant="ghost"
          size="sm"
          aria-label={t("settings.providers.models.testOf", { model: model.displayName })}
          disabled={test?.running}
          onClick={start}
        >
          <Gauge />
          {t("settings.providers.models.test")}
        </Button>
      </div>
      <div className="flex flex-wrap gap-2">
        {ABILITIES.map((ability) => (
          <AbilityChip
            key={ability}
            ability={ability}
            state={abilityState(model, ability)}
            onChange={(state) => onChange((model) => withAbility(model, ability, state))}
          />
        ))}
      </div>
      {test && (
        <ModelTestView name={model.displayName} test={test} onStop={stop} onClose={forget}>
          {test.results.some(({ ability }) => ability !== "models") && (
            <Findings model={model} results={test.results} onTake={onChange} />
          )}
        </ModelTestView>
      )}
    </li>
  );
}

type FindingsProps = {
  model: ProviderModel;
  results: readonly TestResult[];
  /** Sets the abilities as the test found them. */
  onTake: (change: ModelChange) => void;
};

function Findings({ model, results, onTake }: FindingsProps) {
  const { t } = useTranslation();
  const take: ModelChange = (model) => withResults(model, results);
  return sameAbilities(take(model), model) ? (
    <p className="mt-3 text-muted-foreground">{t("settings.providers.test.agrees")}</p>
  ) : (
    <Button size="sm" className="mt-3" onClick={() => onTake(take)}>
      <Check />
      {t("settings.providers.test.suggest")}
    </Button>
  );
}
