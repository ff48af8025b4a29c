import { useTranslation } from "react-i18next";
import { usePreferences } from "@/preferences/preferences";
import { Card } from "./section";
import { SwitchRow } from "./switch-row";

/** Whether the app goes on when its window is closed. */
export function Closing() {
  const { t } = useTranslation();
  const { hideOnClose, setHideOnClose } = usePreferences();
  return (
    <Card className="px-5 py-3.5">
      <SwitchRow
        name={t("settings.general.closing.name")}
        hint={t("settings.general.closing.hint")}
        checked={hideOnClose}
        onChange={setHideOnClose}
      />
    </Card>
  );
}
