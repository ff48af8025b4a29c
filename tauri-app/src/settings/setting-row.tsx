import { RotateCcw } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import type { Setting } from "@/rpc/gen/protocol";
import { readTyped, toShown } from "./setting-unit";
import { useTyped } from "./use-typed";

type SettingRowProps = {
  setting: Setting;
  /** Null: back to the default. Rejects where the sidecar refuses it: it stays in the field then, with the reason. */
  onChange: (value: number | null) => Promise<unknown>;
};

/** One setting of the sidecar: what it means, its value and range, and the way back to the default. */
export function SettingRow({ setting, onChange }: SettingRowProps) {
  const { t, i18n } = useTranslation();
  const { key, value, default: initial, minimum, maximum } = setting;
  const id = useId();
  const { text, problem, refusal, change, typing } = useTyped(
    value,
    (text) => readTyped(setting, text),
    onChange,
  );
  const number = (amount: number) => new Intl.NumberFormat(i18n.language).format(toShown(key, amount));
  const unit = t(`settings.general.${key}.unit`);
  const range = { minimum: number(minimum), maximum: `${number(maximum)} ${unit}` };
  const name = t(`settings.general.${key}.name`);

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-2 px-5 py-4">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <div className="min-w-[min(14rem,100%)] grow basis-0">
          <label htmlFor={id} className="font-medium">
            {name}
          </label>
          <p className="text-muted-foreground text-sm">{t(`settings.general.${key}.hint`)}</p>
        </div>
        <div className="flex items-center gap-2">
          <Input
            id={id}
            inputMode="decimal"
            autoComplete="off"
            aria-invalid={problem !== null}
            aria-describedby={`${id}-note`}
            placeholder={initial === null ? t("settings.general.automatic") : undefined}
            className="w-28 text-right tabular-nums"
            value={text ?? (value === null ? "" : String(toShown(key, value)))}
            {...typing}
          />
          <span className="w-16 text-muted-foreground text-sm">{unit}</span>
        </div>
      </div>
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <p
          id={`${id}-note`}
          role={problem ? "alert" : undefined}
          className={problem ? "text-destructive text-sm" : "text-[0.8125rem] text-muted-foreground"}
        >
          {problem
            ? t(`settings.general.${problem}`, range)
            : t("settings.general.range", {
                ...range,
                default: initial === null ? t("settings.general.byComputer") : number(initial),
              })}
        </p>
        {value !== initial && (
          <Button
            variant="ghost"
            size="sm"
            aria-label={t("settings.general.resetOf", { name })}
            onClick={() => void change(null)}
          >
            <RotateCcw />
            {t("settings.general.reset")}
          </Button>
        )}
      </div>
      {refusal && <ErrorNote error={refusal.error} onRetry={refusal.retry} />}
    </div>
  );
}
