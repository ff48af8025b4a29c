import { useTranslation } from "react-i18next";
import type { Provider } from "@/rpc/gen/protocol";
import { NumberRow } from "./number-row";
import { SwitchRow } from "./switch-row";

const MINIMUM = 1;
const MAXIMUM = 64;

type ProviderLimitsProps = {
  provider: Provider;
  /** Rejects where the number is refused. */
  onConcurrency: (concurrency: number) => Promise<unknown>;
  onBackground: (background: boolean) => void;
};

/** How much goes to a provider, and whether also what nobody waits for. */
export function ProviderLimits({ provider, onConcurrency, onBackground }: ProviderLimitsProps) {
  const { t } = useTranslation();
  return (
    <div className="grid gap-4 border-t px-5 py-4 text-sm">
      <NumberRow
        name={t("settings.providers.concurrency")}
        hint={t("settings.providers.concurrencyHint")}
        invalidHint={t("settings.providers.concurrencyInvalid")}
        value={provider.concurrency}
        minimum={MINIMUM}
        maximum={MAXIMUM}
        onChange={onConcurrency}
      />
      <SwitchRow
        name={t("settings.providers.background")}
        hint={t(
          provider.leavesComputer
            ? "settings.providers.backgroundLeaves"
            : "settings.providers.backgroundHint",
        )}
        checked={provider.background}
        onChange={onBackground}
      />
    </div>
  );
}
