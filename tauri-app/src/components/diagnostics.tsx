import { Check, Copy, Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { RpcError } from "@/rpc/error";
import { diagnostics, exportDiagnostics } from "@/rpc/shell";
import { errorText } from "./error-text";
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

  const problem = error && errorText(t, error);
  return (
    <div className="flex flex-wrap items-center justify-end gap-x-2">
      {(failed || problem) && (
        <p role="alert" className="text-destructive text-sm">
          {problem ? `${problem.title}. ${problem.hint}` : t("diagnostics.failed")}
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
    </div>
  );
}
