import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { NumberRow } from "./number-row";
import { ProxyAccess } from "./proxy-access";
import { ProxyOrigins } from "./proxy-origins";
import { Card, Section } from "./section";
import { SwitchRow } from "./switch-row";
import { isStarting, useProxy } from "./use-proxy";

const MOST = 65_535;

/** The localhost proxy: whether and where other programs of this computer may ask the model, and what they need for it. */
export function Programs() {
  const { t } = useTranslation();
  const { proxy, failure, busy, switchable, set, renew } = useProxy();
  return (
    <Section title={t("settings.sections.programs")} intro={t("settings.programs.intro")}>
      {failure && <ErrorNote error={failure.error} onRetry={failure.retry} />}
      {proxy && (
        <Card className="divide-y">
          <div className="px-5 py-4">
            <SwitchRow
              name={t("settings.programs.on")}
              hint={t("settings.programs.onHint")}
              disabled={!switchable}
              checked={proxy.on}
              onChange={(on) => void set({ on })}
            />
          </div>
          <div className="grid gap-4 px-5 py-4 text-sm">
            <NumberRow
              name={t("settings.programs.port")}
              hint={t("settings.programs.portHint")}
              invalidHint={t("settings.programs.portInvalid")}
              value={proxy.port}
              minimum={1}
              maximum={MOST}
              disabled={busy || proxy.socket}
              onChange={(port) => set({ port })}
            />
            <SwitchRow
              name={t("settings.programs.socket")}
              hint={t("settings.programs.socketHint")}
              disabled={busy}
              checked={proxy.socket}
              onChange={(socket) => void set({ socket })}
            />
          </div>
          <ProxyOrigins
            origins={proxy.origins}
            busy={busy}
            onChange={async (origins) => (await set({ origins }))?.origins ?? null}
          />
          {proxy.error && (
            <div className="px-5 py-4">
              <ErrorNote error={proxy.error} onRetry={() => void set({})} />
            </div>
          )}
          {isStarting(proxy) && (
            <p role="status" className="px-5 py-4 text-muted-foreground text-sm">
              {t("settings.programs.starting")}
            </p>
          )}
          {proxy.address && <ProxyAccess proxy={proxy} onRenew={renew} />}
        </Card>
      )}
    </Section>
  );
}
