import { Gauge } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import type { Provider } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { ModelTestView } from "./model-test-view";
import { useModelTest } from "./use-model-test";

/** In place of a provider's models, where it has none yet: whether its server answers, and how fast. */
export function ServerTest({ sidecar, provider }: { sidecar: Sidecar; provider: Provider }) {
  const { t } = useTranslation();
  const { test, start, stop, forget } = useModelTest(sidecar, provider.id);
  return (
    <div className="mt-1 grid gap-2.5">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <p className="text-muted-foreground text-sm">{t("settings.providers.models.none")}</p>
        <Button
          variant="ghost"
          size="sm"
          aria-label={t("settings.providers.models.testOf", { model: provider.name })}
          disabled={test?.running}
          onClick={start}
        >
          <Gauge />
          {t("settings.providers.models.test")}
        </Button>
      </div>
      {test && <ModelTestView name={provider.name} test={test} onStop={stop} onClose={forget} />}
    </div>
  );
}
