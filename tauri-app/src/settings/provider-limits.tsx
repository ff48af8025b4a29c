import { useTranslation } from "react-i18next";
import type { Provider } from "@/rpc/gen/protocol";
import { NumberRow } from "./number-row";
import { SwitchRow } from "./switch-row";

const MINIMUM = 1;
const MAXIMUM = 64;

type ProviderLimitsProps = {
  provider: Provider;
  onChange: (part: { concurrency: number } | { background: boolean }) => void;
};

/** How much goes to a provider, and whether also what nobody waits for. */
export function ProviderLimits({ provider, onChange }: ProviderLimitsProps) {
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
        onChange={(concurrency) => onChange({ concurrency })}
      />
      <SwitchRow
        name={t("settings.providers.background")}
        hint={t(
          provider.leavesComputer
            ? "settings.providers.backgroundLeaves"
            : "settings.providers.backgroundHint",
        )}
        checked={provider.background}
        onChange={(background) => onChange({ background })}
      />
    </div>
  );
}
