import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import type { Sidecar } from "@/rpc/sidecar";
import { About } from "./about";
import { Appearance } from "./appearance";
import { Closing } from "./closing";
import { Card, Section } from "./section";
import { SettingRow } from "./setting-row";
import { SETTING_KEYS } from "./setting-unit";
import { SETTINGS } from "./sources";
import { useReported } from "./use-reported";

/** Language, theme and what closing the window does, which the shell keeps, what the sidecar keeps of its own, and the app itself. */
export function General({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const settings = useReported(sidecar, SETTINGS);
  const known = SETTING_KEYS.flatMap((key) => settings.value?.filter((setting) => setting.key === key) ?? []);
  return (
    <Section title={t("settings.sections.general")}>
      <h3 className="font-semibold">{t("settings.general.appearance")}</h3>
      <Appearance />
      <Closing />
      <h3 className="mt-4 font-semibold">{t("settings.general.engine")}</h3>
      {settings.error && <ErrorNote error={settings.error} onRetry={settings.read} />}
      {known.length > 0 && (
        <Card className="divide-y">
          {known.map((setting) => (
            <SettingRow
              key={setting.key}
              setting={setting}
              onChange={async (value) => {
                await sidecar.call("settings/set", { key: setting.key, value });
                settings.read();
              }}
            />
          ))}
        </Card>
      )}
      <About />
    </Section>
  );
}
