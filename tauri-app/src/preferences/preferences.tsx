import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { i18n, languageOf } from "@/i18n";
import {
  type Choices,
  type KnownChoices,
  type LanguageChoice,
  shellSet,
  shellState,
  type ThemeChoice,
} from "@/rpc/shell";

/** For a window without its shell. */
const systemState = (): KnownChoices => ({
  language: "system",
  systemLanguage: languageOf(navigator.languages),
  theme: "system",
  chatsHidden: false,
  hideOnClose: false,
});

interface Preferences extends KnownChoices {
  setLanguage: (language: LanguageChoice) => void;
  setTheme: (theme: ThemeChoice) => void;
  setChatsHidden: (hidden: boolean) => void;
  setHideOnClose: (hide: boolean) => void;
}

const PreferencesContext = createContext<Preferences | null>(null);

/** Shows the window in the chosen language and theme. */
function apply({ language, systemLanguage, theme }: KnownChoices): void {
  void i18n.changeLanguage(language === "system" ? systemLanguage : language);
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
}

/** Reads what the shell keeps and applies it; the system's own choice where the shell cannot tell. */
export async function loadPreferences(): Promise<KnownChoices> {
  const { language, systemLanguage, theme, chatsHidden, hideOnClose } = await shellState().catch(systemState);
  const preferences = { language, systemLanguage, theme, chatsHidden, hideOnClose };
  apply(preferences);
  return preferences;
}

export function PreferencesProvider({ initial, children }: { initial: KnownChoices; children: ReactNode }) {
  const [state, setState] = useState(initial);
  const change = useCallback(
    (part: Partial<Choices>) => {
      const next = { ...state, ...part };
      setState(next);
      if ("language" in part || "theme" in part) {
        apply(next);
      }
      // A choice that cannot be kept still holds for this window; there is nothing to ask the person.
      shellSet(part).catch(() => undefined);
    },
    [state],
  );
  const preferences = useMemo(
    () => ({
      ...state,
      setLanguage: (language: LanguageChoice) => change({ language }),
      setTheme: (theme: ThemeChoice) => change({ theme }),
      setChatsHidden: (chatsHidden: boolean) => change({ chatsHidden }),
      setHideOnClose: (hideOnClose: boolean) => change({ hideOnClose }),
    }),
    [state, change],
  );
  return <PreferencesContext value={preferences}>{children}</PreferencesContext>;
}

export function usePreferences(): Preferences {
  const preferences = useContext(PreferencesContext);
  if (!preferences) {
    throw new Error("usePreferences needs a PreferencesProvider above it");
  }
  return preferences;
}
