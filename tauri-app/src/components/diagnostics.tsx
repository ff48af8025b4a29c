import { Check, Copy, Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { RpcError } from "@/rpc/error";
import { diagnostics, exportDiagnostics } from "@/rpc/shell";
import { errorLine } from "./error-text";
import { Spoken } from "./spoken";
import { Button } from "./ui/button";
import { useCopy } from "./use-copy";

/**
 * All that a report of a problem should have: copied as text, with `lines` if this window knows more, or saved as a file
 * with less in it, which nobody has to read through before it is sent.
 */
export function Diagnostics({ lines }: { lines?: () => string }) {
  const { t } = useTranslation();
  const { copied, failed, copy } = useCopy();
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<RpcError | null>(null);

  async function save() {
    setSaved(false);
    setError(null);
    try {
      setSaved(await exportDiagnostics());
    } catch (cause) {
      setError(RpcError.from(cause));
    }
  }

  return (
    <div className="flex flex-wrap items-center justify-end gap-x-2">
      {(failed || error) && (
        <p role="alert" className="text-destructive text-sm">
          {error ? errorLine(t, error) : t("diagnostics.failed")}
        </p>
      )}
      <Button variant="ghost" size="sm" onClick={() => copy(diagnostics(lines?.() ?? null))}>
        {copied ? <Check /> : <Copy />}
        {t(copied ? "diagnostics.copied" : "diagnostics.copy")}
      </Button>
      <Button variant="ghost" size="sm" onClick={() => void save()}>
        {saved ? <Check /> : <Download />}
        {t(saved ? "diagnostics.saved" : "diagnostics.save")}
      </Button>
      <Spoken>{copied ? t("diagnostics.copied") : saved ? t("diagnostics.saved") : ""}</Spoken>
    </div>
  );
}
