import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Input } from "@/components/ui/input";
import { RadioGroup, RadioGroupItem } from "@/components/ui/radio-group";
import { hostOf } from "./mirror";

/** The mirror to use: one of the model's own, or an address that the person types in. */
export interface MirrorChoice {
  listed: boolean;
  address: string;
}

const OTHER = "other";

type MirrorChooserProps = {
  mirrors: readonly string[];
  choice: MirrorChoice;
  invalid: boolean;
  onChoose: (choice: MirrorChoice) => void;
};

export function MirrorChooser({ mirrors, choice, invalid, onChoose }: MirrorChooserProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <fieldset className="mt-6">
      <legend id={`${id}-legend`} className="mb-2 font-medium text-sm">
        {t("splash.error.mirror")}
      </legend>
      <RadioGroup
        aria-labelledby={`${id}-legend`}
        className="gap-0 divide-y rounded-2xl border bg-card shadow-raised"
        value={choice.listed ? choice.address : OTHER}
        onValueChange={(value) =>
          onChoose(value === OTHER ? { listed: false, address: "" } : { listed: true, address: value })
        }
      >
        {mirrors.map((mirror, index) => (
          <MirrorRow key={mirror} id={`${id}-${index}`} value={mirror} label={hostOf(mirror)} />
        ))}
        <MirrorRow id={`${id}-other`} value={OTHER} label={t("splash.error.otherMirror")} />
      </RadioGroup>
      {!choice.listed && (
        <div className="mt-3 grid animate-rise gap-1.5">
          <Input
            type="url"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            placeholder="https://"
            aria-label={t("splash.error.otherMirrorAddress")}
            aria-invalid={invalid}
            aria-describedby={invalid ? `${id}-invalid` : undefined}
            value={choice.address}
            onChange={(event) => onChoose({ listed: false, address: event.target.value })}
          />
          {invalid && (
            <p id={`${id}-invalid`} role="alert" className="text-destructive text-sm">
              {t("splash.error.otherMirrorInvalid")}
            </p>
          )}
        </div>
      )}
    </fieldset>
  );
}

function MirrorRow({ id, value, label }: { id: string; value: string; label: string }) {
  return (
    <div className="flex items-center gap-3 px-4">
      <RadioGroupItem id={id} value={value} />
      <label htmlFor={id} className="grow cursor-pointer py-2.5">
        {label}
      </label>
    </div>
  );
}
