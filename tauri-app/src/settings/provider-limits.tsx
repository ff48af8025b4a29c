import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Input } from "@/components/ui/input";
import { Switch } from "@/components/ui/switch";
import type { Provider } from "@/rpc/gen/protocol";

const MINIMUM = 1;
const MAXIMUM = 64;

type ProviderLimitsProps = {
  provider: Provider;
  onChange: (part: { concurrency: number } | { background: boolean }) => void;
};

/** How much goes to a provider, and whether also what nobody waits for. */
export function ProviderLimits({ provider, onChange }: ProviderLimitsProps) {
  const { t } = useTranslation();
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const number = Number(typed ?? provider.concurrency);
  const invalid = !(Number.isInteger(number) && number >= MINIMUM && number <= MAXIMUM);

  function commit() {
    if (typed === null || invalid) {
      return;
    }
    setTyped(null);
    if (number !== provider.concurrency) {
      onChange({ concurrency: number });
    }
  }

  return (
    <div className="grid gap-4 border-t px-5 py-4 text-sm">
      <div className="flex items-start justify-between gap-6">
        <div className="min-w-0">
          <label htmlFor={`${id}-concurrency`} className="font-medium">
            {t("settings.providers.concurrency")}
          </label>
          <p
            id={`${id}-concurrency-hint`}
            role={invalid ? "alert" : undefined}
            className={invalid ? "text-destructive" : "text-muted-foreground"}
          >
            {t(invalid ? "settings.providers.concurrencyInvalid" : "settings.providers.concurrencyHint")}
          </p>
        </div>
        <Input
          id={`${id}-concurrency`}
          inputMode="numeric"
          aria-invalid={invalid}
          aria-describedby={`${id}-concurrency-hint`}
          className="w-20 text-right tabular-nums"
          value={typed ?? provider.concurrency}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={commit}
          onKeyDown={(event) => event.key === "Enter" && commit()}
        />
      </div>
      <div className="flex items-start justify-between gap-6">
        <div className="min-w-0">
          <label htmlFor={`${id}-background`} className="font-medium">
            {t("settings.providers.background")}
          </label>
          <p id={`${id}-background-hint`} className="text-muted-foreground">
            {t(
              provider.leavesComputer
                ? "settings.providers.backgroundLeaves"
                : "settings.providers.backgroundHint",
            )}
          </p>
        </div>
        <Switch
          id={`${id}-background`}
          aria-describedby={`${id}-background-hint`}
          checked={provider.background}
          onCheckedChange={(background) => onChange({ background })}
        />
      </div>
    </div>
  );
}
