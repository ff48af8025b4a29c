import { CircleCheck, Download, ExternalLink, RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import { formatBytes } from "@/i18n/quantity";
import { type NewerRelease, openLink, shellState } from "@/rpc/shell";
import { Badge, Card } from "./section";
import { useUpdate } from "./use-update";

/** Which version this is, and whether there is a newer one: asked by the person, and never by itself. */
export function About() {
  const { t } = useTranslation();
  const version = useVersion();
  const { update, check, fetch, cancel } = useUpdate();
  const busy = update.stage === "checking" || update.stage === "fetching";
  return (
    <>
      <h3 className="mt-4 font-semibold">{t("settings.general.about.title")}</h3>
      <Card className="divide-y">
        <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 px-5 py-3.5">
          <div className="min-w-[min(14rem,100%)] grow basis-0">
            <p className="selectable font-medium">{t("settings.general.about.version", { version })}</p>
            <p className="text-muted-foreground text-sm">{t("settings.general.about.hint")}</p>
          </div>
          <Button variant="outline" disabled={busy} onClick={check}>
            <RefreshCw />
            {t("settings.general.about.check")}
          </Button>
        </div>
        {(update.stage === "checking" || update.stage === "current") && (
          <p role="status" className="px-5 py-3.5 text-sm">
            {update.stage === "checking" ? (
              t("settings.general.about.checking")
            ) : (
              <Badge tone="good" icon={<CircleCheck aria-hidden="true" />}>
                {t("settings.general.about.current")}
              </Badge>
            )}
          </p>
        )}
        {"release" in update && (
          <div className="grid gap-3 px-5 py-4 text-sm">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <p role="status" className="font-medium">
                {t("settings.general.about.newer", { version: update.release.version })}
              </p>
              <Button variant="ghost" size="sm" onClick={() => void openLink(update.release.page)}>
                <ExternalLink />
                {t("settings.general.about.page")}
              </Button>
            </div>
            {update.stage === "newer" && <Offer release={update.release} onFetch={fetch} />}
            {update.stage === "fetching" && (
              <div className="flex items-center gap-4">
                <Progress value={update.percent} aria-label={t("settings.general.about.progress")} />
                <Button variant="outline" size="sm" onClick={cancel}>
                  {t("settings.general.about.cancel")}
                </Button>
              </div>
            )}
            {update.stage === "fetched" && <Next release={update.release} path={update.path} />}
          </div>
        )}
        {update.stage !== "checking" && update.error && (
          <div className="px-5 py-4">
            <ErrorNote error={update.error} />
          </div>
        )}
      </Card>
    </>
  );
}

function Offer({ release: { kind, size }, onFetch }: { release: NewerRelease; onFetch: () => void }) {
  const { t, i18n } = useTranslation();
  if (size === null) {
    return (
      <p>
        {t(kind === "source" ? "settings.general.about.next.source" : "settings.general.about.noPackage")}
      </p>
    );
  }
  return (
    <Button className="justify-self-start" onClick={onFetch}>
      <Download />
      {t("settings.general.about.download", { size: formatBytes(size, i18n.language) })}
    </Button>
  );
}

/** Where the package lies and how it is installed. */
function Next({ release: { kind }, path }: { release: NewerRelease; path: string }) {
  const { t } = useTranslation();
  return (
    <div className="grid gap-2">
      <p>{t("settings.general.about.here")}</p>
      <p className="selectable break-all font-mono text-xs">{path}</p>
      <p>{t(`settings.general.about.next.${kind}`)}</p>
      {kind === "deb" && (
        <p className="selectable break-all font-mono text-xs">{`sudo apt install '${path}'`}</p>
      )}
    </div>
  );
}

function useVersion(): string {
  const [version, setVersion] = useState("");
  useEffect(() => {
    let gone = false;
    shellState().then(
      (state) => gone || setVersion(state.version),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, []);
  return version;
}
