import { useId } from "react";
import { useTranslation } from "react-i18next";
import { RadioGroup, RadioGroupItem } from "@/components/ui/radio-group";
import { usePreferences } from "@/preferences/preferences";
import { LANGUAGE_CHOICES, type LanguageChoice, THEME_CHOICES, type ThemeChoice } from "@/rpc/shell";
import { Card } from "./section";

/** Language and theme: the same choices as in the menu. */
export function Appearance() {
  const { t } = useTranslation();
  const { language, theme, setLanguage, setTheme } = usePreferences();
  return (
    <Card className="divide-y">
      <Choice
        name={t("preferences.language")}
        value={language}
        choices={LANGUAGE_CHOICES.map((choice) => [choice, t(`preferences.languages.${choice}`)])}
        onChoose={(choice) => setLanguage(choice as LanguageChoice)}
      />
      <Choice
        name={t("preferences.theme")}
        value={theme}
        choices={THEME_CHOICES.map((choice) => [choice, t(`preferences.themes.${choice}`)])}
        onChoose={(choice) => setTheme(choice as ThemeChoice)}
      />
    </Card>
  );
}

type ChoiceProps = {
  name: string;
  value: string;
  choices: readonly [value: string, label: string][];
  onChoose: (value: string) => void;
};

function Choice({ name, value, choices, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 px-5 py-3.5">
      <span id={id} className="font-medium">
        {name}
      </span>
      <RadioGroup
        aria-labelledby={id}
        className="flex flex-wrap gap-2"
        value={value}
        onValueChange={onChoose}
      >
        {choices.map(([choice, label]) => (
          <label
            key={choice}
            htmlFor={`${id}-${choice}`}
            className="flex cursor-pointer items-center gap-2 rounded-lg border bg-card px-3 py-1.5 text-sm transition-colors duration-150 hover:border-input has-data-[state=checked]:border-primary"
          >
            <RadioGroupItem id={`${id}-${choice}`} value={choice} />
            {label}
          </label>
        ))}
      </RadioGroup>
    </div>
  );
}
