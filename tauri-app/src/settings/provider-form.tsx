import { Globe } from "lucide-react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { RadioGroup, RadioGroupItem } from "@/components/ui/radio-group";
import type { Provider } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { Field } from "./field";
import { addressProblem, isPlain, leavesComputer, PRESET_NAMES, type Preset } from "./provider-address";
import { useProviderForm } from "./use-provider-form";

type ProviderFormProps = {
  sidecar: Sidecar;
  /** Null: a new one. */
  provider: Provider | null;
  /** It is kept, with its key if one was typed. */
  onSaved: () => void;
  onClose: () => void;
};

/** Name, address and key of a provider. */
export function ProviderForm({ sidecar, provider, onSaved, onClose }: ProviderFormProps) {
  const { t } = useTranslation();
  const form = useProviderForm(sidecar, provider, onSaved);
  const { draft, problems, saving, error } = form;
  const keychain = error?.kind === "keychain_unavailable";
  const whole = addressProblem(draft.address) === null;

  function submit(event: FormEvent) {
    event.preventDefault();
    void form.save();
  }

  return (
    <Dialog
      className="max-w-[30rem]"
      title={
        form.isNew
          ? t("settings.providers.form.add")
          : t("settings.providers.form.edit", { name: provider?.name ?? "" })
      }
      onClose={onClose}
    >
      <form noValidate onSubmit={submit} className="mt-4 grid gap-4">
        {form.isNew && <Presets preset={draft.preset} onChoose={form.choose} />}
        <Field
          label={t("settings.providers.form.name")}
          problem={
            problems.name &&
            t(
              problems.name === "missing"
                ? "settings.providers.form.nameMissing"
                : "settings.providers.form.nameLong",
            )
          }
        >
          {(props) => (
            <Input
              {...props}
              autoComplete="off"
              placeholder={t("settings.providers.form.namePlaceholder")}
              value={draft.name}
              onChange={(event) => form.change({ name: event.target.value })}
            />
          )}
        </Field>
        <Field
          label={t("settings.providers.form.address")}
          problem={problems.address && t(`settings.providers.form.problems.${problems.address}`)}
          hint={
            whole && leavesComputer(draft.address) ? (
              <span className={cn("flex items-start gap-1.5", isPlain(draft.address) && "text-destructive")}>
                <Globe aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
                {t(
                  isPlain(draft.address) ? "settings.providers.form.plain" : "settings.providers.form.leaves",
                )}
              </span>
            ) : (
              t("settings.providers.form.addressHint")
            )
          }
        >
          {(props) => (
            <Input
              {...props}
              type="url"
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              placeholder="https://…/v1"
              value={draft.address}
              onChange={(event) => form.change({ address: event.target.value })}
            />
          )}
        </Field>
        {form.moved && provider && (provider.hasSecret || provider.background) && (
          <p role="status" className="text-sm">
            {t("settings.providers.form.moved")}
          </p>
        )}
        <Field
          label={t("settings.providers.form.key")}
          hint={t(form.hasKey ? "settings.providers.form.keyThere" : "settings.providers.form.keyHint")}
        >
          {(props) => (
            <div className="flex gap-2">
              <Input
                {...props}
                type="password"
                autoComplete="off"
                spellCheck={false}
                placeholder={form.hasKey ? "••••••••" : undefined}
                value={draft.key}
                onChange={(event) => form.change({ key: event.target.value })}
              />
              {form.hasKey && (
                <Button variant="outline" onClick={() => void form.forgetKey()}>
                  {t("settings.providers.form.keyRemove")}
                </Button>
              )}
            </div>
          )}
        </Field>
        {error && (
          <ErrorNote error={error}>
            {keychain && (
              <>
                <Button variant="outline" size="sm" onClick={() => void form.save(false)}>
                  {t("settings.providers.form.keyThisRun")}
                </Button>
                <Button variant="ghost" size="sm" onClick={onSaved}>
                  {t("settings.providers.form.keyWithout")}
                </Button>
              </>
            )}
          </ErrorNote>
        )}
        <DialogActions>
          <Button variant="outline" onClick={onClose}>
            {t("settings.cancel")}
          </Button>
          <Button type="submit" disabled={saving}>
            {t(saving ? "settings.providers.form.saving" : "settings.providers.form.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Presets({ preset, onChoose }: { preset: Preset; onChoose: (preset: Preset) => void }) {
  const { t } = useTranslation();
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium text-sm">{t("settings.providers.form.preset")}</legend>
      <RadioGroup
        aria-label={t("settings.providers.form.preset")}
        className="grid-cols-2"
        value={preset}
        onValueChange={(value) => onChoose(value as Preset)}
      >
        {PRESET_NAMES.map((name) => (
          <label
            key={name}
            htmlFor={`preset-${name}`}
            className="flex cursor-pointer items-center gap-2.5 rounded-lg border bg-card px-3 py-2 text-sm transition-colors duration-150 hover:border-input has-data-[state=checked]:border-primary"
          >
            <RadioGroupItem id={`preset-${name}`} value={name} />
            {t(`settings.providers.form.presets.${name}`)}
          </label>
        ))}
      </RadioGroup>
    </fieldset>
  );
}
