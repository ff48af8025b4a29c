import { Languages, type LucideIcon, Monitor, Moon, Settings2, SlidersHorizontal, Sun } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { LANGUAGE_CHOICES, type LanguageChoice, THEME_CHOICES, type ThemeChoice } from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";
import { SettingsPage } from "@/settings/settings-page";
import { usePreferences } from "./preferences";

const THEME_ICONS: Record<ThemeChoice, LucideIcon> = { system: Monitor, light: Sun, dark: Moon };

type PreferencesMenuProps = {
  /** Absent as long as there is none that could be asked. */
  sidecar?: Sidecar | undefined;
  onSettingsClosed?: () => void;
};

/** Language and theme, and with a sidecar the way to all settings. */
export function PreferencesMenu({ sidecar, onSettingsClosed }: PreferencesMenuProps) {
  const { t } = useTranslation();
  const [settings, setSettings] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const name = t("preferences.open");

  function close() {
    setSettings(false);
    onSettingsClosed?.();
  }
  const { language, theme, setLanguage, setTheme } = usePreferences();
  return (
    <>
      <DropdownMenu>
        <Tooltip content={name}>
          <DropdownMenuTrigger asChild>
            <Button ref={button} variant="ghost" size="icon" aria-label={name}>
              <Settings2 />
            </Button>
          </DropdownMenuTrigger>
        </Tooltip>
        <DropdownMenuContent
          align="end"
          // The page that has opened has the focus.
          onCloseAutoFocus={(event) => settings && event.preventDefault()}
        >
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
          {sidecar && (
            <>
              <DropdownMenuSeparator />
              <DropdownMenuItem onSelect={() => setSettings(true)}>
                <SlidersHorizontal />
                {t("settings.open")}
              </DropdownMenuItem>
            </>
          )}
        </DropdownMenuContent>
      </DropdownMenu>
      {sidecar && settings && <SettingsPage sidecar={sidecar} opener={button} onClose={close} />}
    </>
  );
}

function LanguageMark({ language }: { language: "en" | "zh" }) {
  return (
    <span aria-hidden="true" className="w-4 text-center font-medium text-muted-foreground text-xs">
      {language === "en" ? "A" : "文"}
    </span>
  );
}
