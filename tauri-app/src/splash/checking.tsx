import { useTranslation } from "react-i18next";
import { Progress } from "@/components/ui/progress";

export function Checking() {
  const { t } = useTranslation();
  return (
    <div className="grid gap-4">
      <h1 role="status" className="text-muted-foreground">
        {t("splash.checking.title")}
      </h1>
      <Progress value={null} aria-label={t("splash.checking.title")} className="h-1" />
    </div>
  );
}
