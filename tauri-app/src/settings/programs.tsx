import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Input } from "@/components/ui/input";
import { Switch } from "@/components/ui/switch";
import type { ProxyChoice, ProxyState } from "@/rpc/shell";
import { ProxyAccess } from "./proxy-access";
import { Card, Section } from "./section";
import { useProxy } from "./use-proxy";

const MOST = 65_535;

/** The localhost proxy: whether and where other programs of this computer may ask the model, and what they need for it. */
export function Programs() {
  const { t } = useTranslation();
  const id = useId();
  const { proxy, error, busy, set, renew, read } = useProxy();
  return (
    <Section title={t("settings.sections.programs")} intro={t("settings.programs.intro")}>
      {error && <ErrorNote error={error} onRetry={read} />}
      {proxy && (
        <Card className="divide-y">
          <div className="flex items-start justify-between gap-6 px-5 py-4">
            <div className="min-w-0">
              <label htmlFor={id} className="font-medium">
                {t("settings.programs.on")}
              </label>
              <p id={`${id}-hint`} className="text-muted-foreground text-sm">
                {t("settings.programs.onHint")}
              </p>
            </div>
            <Switch
              id={id}
              aria-describedby={`${id}-hint`}
              disabled={busy}
              checked={proxy.on}
              onCheckedChange={(on) => set({ on })}
            />
          </div>
          <Where proxy={proxy} busy={busy} onChange={set} />
          {proxy.error && (
            <div className="px-5 py-4">
              <ErrorNote error={proxy.error} onRetry={() => set({})} />
            </div>
          )}
          {proxy.address && <ProxyAccess proxy={proxy} onRenew={renew} />}
        </Card>
      )}
    </Section>
  );
}

type WhereProps = { proxy: ProxyState; busy: boolean; onChange: (change: Partial<ProxyChoice>) => void };

/** A port, or a socket in its place. */
function Where({ proxy, busy, onChange }: WhereProps) {
  const { t } = useTranslation();
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const port = Number(typed ?? proxy.port);
  const invalid = !(Number.isInteger(port) && port >= 1 && port <= MOST);

  function commit() {
    if (typed === null || invalid) {
      return;
    }
    setTyped(null);
    if (port !== proxy.port) {
      onChange({ port });
    }
  }

  return (
    <div className="grid gap-4 px-5 py-4 text-sm">
      <div className="flex items-start justify-between gap-6">
        <div className="min-w-0">
          <label htmlFor={`${id}-port`} className="font-medium">
            {t("settings.programs.port")}
          </label>
          <p
            id={`${id}-port-hint`}
            role={invalid ? "alert" : undefined}
            className={invalid ? "text-destructive" : "text-muted-foreground"}
          >
            {t(invalid ? "settings.programs.portInvalid" : "settings.programs.portHint")}
          </p>
        </div>
        <Input
          id={`${id}-port`}
          inputMode="numeric"
          autoComplete="off"
          disabled={busy || proxy.socket}
          aria-invalid={invalid}
          aria-describedby={`${id}-port-hint`}
          className="w-24 text-right tabular-nums"
          value={typed ?? proxy.port}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={commit}
          onKeyDown={(event) => event.key === "Enter" && commit()}
        />
      </div>
      <div className="flex items-start justify-between gap-6">
        <div className="min-w-0">
          <label htmlFor={`${id}-socket`} className="font-medium">
            {t("settings.programs.socket")}
          </label>
          <p id={`${id}-socket-hint`} className="text-muted-foreground">
            {t("settings.programs.socketHint")}
          </p>
        </div>
        <Switch
          id={`${id}-socket`}
          aria-describedby={`${id}-socket-hint`}
          disabled={busy}
          checked={proxy.socket}
          onCheckedChange={(socket) => onChange({ socket })}
        />
      </div>
    </div>
  );
}
