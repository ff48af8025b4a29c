import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Switch } from "@/components/ui/switch";
import { usePreferences } from "@/preferences/preferences";
import { Card } from "./section";

/** Whether the app goes on when its window is closed. */
export function Closing() {
  const { t } = useTranslation();
  const { hideOnClose, setHideOnClose } = usePreferences();
  const id = useId();
  return (
    <Card className="flex items-center justify-between gap-6 px-5 py-3.5">
      <div>
        <label htmlFor={id} className="font-medium">
          {t("settings.general.closing.name")}
        </label>
        <p id={`${id}-hint`} className="text-muted-foreground text-sm">
          {t("settings.general.closing.hint")}
        </p>
      </div>
      <Switch
        id={id}
        aria-describedby={`${id}-hint`}
        checked={hideOnClose}
        onCheckedChange={setHideOnClose}
      />
    </Card>
  );
}
