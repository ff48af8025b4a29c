import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";
import zh from "./zh.json";

export const LANGUAGES = ["en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    enableSelector: false;
  }
}

/** The app's language for a system that prefers `tags` (BCP 47, most wanted first). */
export function languageOf(tags: readonly string[]): Language {
  const known = tags.map((tag) => tag.toLowerCase().split("-")[0]);
  return LANGUAGES.find((language) => language === known.find((tag) => tag === "en" || tag === "zh")) ?? "en";
}

export const i18n = i18next.createInstance();

void i18n.use(initReactI18next).init({
  resources: { en: { translation: en }, zh: { translation: zh } },
  lng: languageOf(navigator.languages),
  fallbackLng: false,
  initAsync: false,
  // React escapes already.
  interpolation: { escapeValue: false },
});

function showLanguage(language: string): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : language;
}

i18n.on("languageChanged", showLanguage);
showLanguage(i18n.language);
