import { Languages, type LucideIcon, Monitor, Moon, Settings2, Sun } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { LANGUAGE_CHOICES, type LanguageChoice, THEME_CHOICES, type ThemeChoice } from "@/rpc/shell";
import { usePreferences } from "./preferences";

const THEME_ICONS: Record<ThemeChoice, LucideIcon> = { system: Monitor, light: Sun, dark: Moon };

export function PreferencesMenu() {
  const { t } = useTranslation();
  const { language, theme, setLanguage, setTheme } = usePreferences();
  return (
    <DropdownMenu>
      <Tooltip content={t("preferences.open")}>
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={t("preferences.open")}>
            <Settings2 />
          </Button>
        </DropdownMenuTrigger>
      </Tooltip>
      <DropdownMenuContent align="end">
        <DropdownMenuLabel>{t("preferences.language")}</DropdownMenuLabel>
        <DropdownMenuRadioGroup
          aria-label={t("preferences.language")}
          value={language}
          onValueChange={(value) => setLanguage(value as LanguageChoice)}
        >
          {LANGUAGE_CHOICES.map((choice) => (
            <DropdownMenuRadioItem key={choice} value={choice}>
              {choice === "system" ? <Languages /> : <LanguageMark language={choice} />}
              {t(`preferences.languages.${choice}`)}
            </DropdownMenuRadioItem>
          ))}
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuLabel>{t("preferences.theme")}</DropdownMenuLabel>
        <DropdownMenuRadioGroup
          aria-label={t("preferences.theme")}
          value={theme}
          onValueChange={(value) => setTheme(value as ThemeChoice)}
        >
          {THEME_CHOICES.map((choice) => {
            const Icon = THEME_ICONS[choice];
            return (
              <DropdownMenuRadioItem key={choice} value={choice}>
                <Icon />
                {t(`preferences.themes.${choice}`)}
              </DropdownMenuRadioItem>
            );
          })}
        </DropdownMenuRadioGroup>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

function LanguageMark({ language }: { language: "en" | "zh" }) {
  return (
    <span aria-hidden="true" className="w-4 text-center font-medium text-muted-foreground text-xs">
      {language === "en" ? "A" : "文"}
    </span>
  );
}
