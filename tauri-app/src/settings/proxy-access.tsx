import { Check, Copy, RotateCw } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import { Button } from "@/components/ui/button";
import { useCopy } from "@/components/use-copy";
import { type ProxyState, proxyCopyToken } from "@/rpc/shell";

type ProxyAccessProps = { proxy: ProxyState; onRenew: () => Promise<void> };

/** What another program is told: the address, and the token, which the page itself never has. */
export function ProxyAccess({ proxy, onRenew }: ProxyAccessProps) {
  const { t } = useTranslation();
  const id = useId();
  const address = useCopy();
  const [copied, setCopied] = useState(false);
  const [asked, setAsked] = useState(false);
  const { tokenEnd } = proxy;
  return (
    <div className="grid gap-4 px-5 py-4 text-sm">
      <div className="flex items-center justify-between gap-4">
        <div className="min-w-0">
          <p id={`${id}-address`} className="font-medium">
            {t("settings.programs.address")}
          </p>
          <p className="selectable break-all font-mono text-xs">{proxy.address}</p>
        </div>
        <Button
          variant="outline"
          size="sm"
          aria-describedby={`${id}-address`}
          onClick={() => address.copy(proxy.address ?? "")}
        >
          {address.copied ? <Check /> : <Copy />}
          {t(address.copied ? "settings.programs.copied" : "settings.programs.copy")}
        </Button>
      </div>
      <div className="flex flex-wrap items-center justify-between gap-4">
        <div className="min-w-0">
          <p id={`${id}-token`} className="font-medium">
            {t("settings.programs.token")}
          </p>
          <p className="font-mono text-xs">…{tokenEnd}</p>
          {!proxy.tokenKept && <p className="text-muted-foreground">{t("settings.programs.thisRunOnly")}</p>}
        </div>
        <div className="flex gap-2">
          <Button
            variant="outline"
            size="sm"
            aria-describedby={`${id}-token`}
            onClick={() =>
              void proxyCopyToken().then(
                (done) => setCopied(done),
                () => setCopied(false),
              )
            }
          >
            {copied ? <Check /> : <Copy />}
            {t(copied ? "settings.programs.copied" : "settings.programs.copy")}
          </Button>
          <Button variant="outline" size="sm" onClick={() => setAsked(true)}>
            <RotateCw />
            {t("settings.programs.renew")}
          </Button>
        </div>
      </div>
      {asked && (
        <Confirmation
          title={t("settings.programs.renewal.title")}
          description={t("settings.programs.renewal.body")}
          confirm={t("settings.programs.renewal.confirm")}
          onConfirm={async () => {
            await onRenew();
            setCopied(false);
          }}
          onClose={() => setAsked(false)}
        />
      )}
    </div>
  );
}
