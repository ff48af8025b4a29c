import { FolderLock, RotateCw, Settings } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { diskAccessSettings } from "@/rpc/shell";

type AccessProps = { onCheck: () => void; onLater: () => void };

/** The system lets the app read no protected folder yet: why that matters, where it is granted, and a way round it. */
export function Access({ onCheck, onLater }: AccessProps) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);

  function openSettings() {
    // Where the settings do not open, the text says where they are.
    diskAccessSettings().catch(() => undefined);
    setShown(true);
  }

  return (
    <section aria-labelledby="access-title">
      <h1
        id="access-title"
        className="flex items-start gap-3 font-semibold text-xl leading-snug tracking-tight"
      >
        <FolderLock aria-hidden="true" className="mt-1 size-5 shrink-0 text-primary" />
        {t("splash.access.title")}
      </h1>
      <p className="mt-2 pl-8 text-muted-foreground">{t("splash.access.body")}</p>
      <p className="mt-2 pl-8 text-muted-foreground text-sm">{t("splash.access.restart")}</p>
      <div className="mt-6 grid gap-3">
        <Button size="lg" onClick={openSettings}>
          <Settings />
          {t("splash.access.settings")}
        </Button>
        <div className="flex gap-3">
          {shown && (
            <Button variant="outline" className="grow" onClick={onCheck}>
              <RotateCw />
              {t("splash.access.check")}
            </Button>
          )}
          <Button variant="outline" className="grow" onClick={onLater}>
            {t("splash.access.later")}
          </Button>
        </div>
      </div>
    </section>
  );
}
