import { DatabaseBackup } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { RpcError } from "@/rpc/error";
import type { StoreStatus } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { type Source, useReported } from "@/settings/use-reported";

const STORE: Source<StoreStatus> = {
  read: (sidecar) => sidecar.call("store/status", {}),
  listen: (sidecar, hear) => sidecar.on("store/status", (status) => hear(() => status)),
};

/** Says, above whatever the window shows, that a damaged database was recovered: until the person has read it. */
export function Recovered({ sidecar }: { sidecar: Sidecar }) {
  const { t, i18n } = useTranslation();
  const { value, read } = useReported(sidecar, STORE);
  const [error, setError] = useState<RpcError | null>(null);
  const title = useId();
  if (!value?.recovery) {
    return null;
  }
  const { setAside, copiedAt } = value.recovery;
  const date = new Intl.DateTimeFormat(i18n.language, { dateStyle: "long", timeStyle: "short" });

  function dismiss() {
    setError(null);
    sidecar.call("store/dismissRecovery", {}).then(read, (cause: unknown) => setError(RpcError.from(cause)));
  }

  return (
    <section
      aria-labelledby={title}
      className="shrink-0 animate-rise border-b bg-primary-soft px-5 py-3 text-sm"
    >
      <div className="mx-auto flex max-w-(--column) flex-wrap items-start gap-x-4 gap-y-3">
        <DatabaseBackup aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-primary" />
        <div role="alert" className="min-w-0 grow basis-64">
          <h2 id={title} className="font-semibold">
            {t(copiedAt === null ? "recovery.begun.title" : "recovery.copied.title")}
          </h2>
          <p className="mt-0.5">
            {copiedAt === null
              ? t("recovery.begun.body")
              : t("recovery.copied.body", { date: date.format(copiedAt) })}
          </p>
          {setAside !== null && (
            <p className="mt-0.5">
              {t("recovery.setAside")}{" "}
              <span className="selectable break-all font-mono text-xs">{setAside}</span>
            </p>
          )}
          {error && <p className="mt-1 text-destructive">{errorText(t, error).title}</p>}
        </div>
        <Button variant="outline" size="sm" onClick={dismiss}>
          {t("recovery.dismiss")}
        </Button>
      </div>
    </section>
  );
}
