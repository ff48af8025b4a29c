import { Check, Copy, RotateCw } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import { Spoken } from "@/components/spoken";
import { Button } from "@/components/ui/button";
import { type Copying, useCopy } from "@/components/use-copy";
import { type ProxyState, proxyCopyToken } from "@/rpc/shell";

type ProxyAccessProps = { proxy: ProxyState; onRenew: () => Promise<void> };

/** What another program is told: the address, and the token, which the page itself never has. */
export function ProxyAccess({ proxy, onRenew }: ProxyAccessProps) {
  const { t } = useTranslation();
  const address = useCopy();
  const token = useCopy();
  const [asked, setAsked] = useState(false);
  return (
    <div className="grid gap-4 px-5 py-4 text-sm">
      <Told
        name={t("settings.programs.address")}
        copying={address}
        onCopy={() => address.copy(proxy.address ?? "")}
      >
        <p className="selectable break-all font-mono text-xs">{proxy.address}</p>
      </Told>
      <Told
        name={t("settings.programs.token")}
        copying={token}
        onCopy={() => token.copying(copyToken())}
        action={
          <Button variant="outline" size="sm" onClick={() => setAsked(true)}>
            <RotateCw />
            {t("settings.programs.renew")}
          </Button>
        }
      >
        <p className="font-mono text-xs">…{proxy.tokenEnd}</p>
        {!proxy.tokenKept && <p className="text-muted-foreground">{t("settings.programs.thisRunOnly")}</p>}
      </Told>
      {asked && (
        <Confirmation
          title={t("settings.programs.renewal.title")}
          description={t("settings.programs.renewal.body")}
          confirm={t("settings.programs.renewal.confirm")}
          onConfirm={onRenew}
          onClose={() => setAsked(false)}
        />
      )}
    </div>
  );
}

async function copyToken(): Promise<void> {
  if (!(await proxyCopyToken())) {
    throw new Error("there is no token");
  }
}

type ToldProps = {
  name: string;
  copying: Copying;
  onCopy: () => void;
  /** What else can be done with it. */
  action?: ReactNode;
  children: ReactNode;
};

/** Something that is copied into another program. */
function Told({ name, copying, onCopy, action, children }: ToldProps) {
  const { t } = useTranslation();
  const id = useId();
  const { copied, failed } = copying;
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <p id={id} className="font-medium">
          {name}
        </p>
        {children}
        {failed && (
          <p role="alert" className="text-destructive">
            {t("settings.programs.copyFailed")}
          </p>
        )}
      </div>
      <div className="flex gap-2">
        <Button variant="outline" size="sm" aria-describedby={id} onClick={onCopy}>
          {copied ? <Check /> : <Copy />}
          {t(copied ? "settings.programs.copied" : "settings.programs.copy")}
        </Button>
        {action}
        <Spoken>{copied ? t("settings.programs.copied") : ""}</Spoken>
      </div>
    </div>
  );
}
