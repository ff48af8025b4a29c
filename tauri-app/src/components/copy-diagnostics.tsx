import { Check, Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import { diagnostics } from "@/rpc/shell";
import { Button } from "./ui/button";
import { useCopy } from "./use-copy";

/** Copies all that a report of a problem should have: what the shell tells, with `lines` if this window knows more. */
export function CopyDiagnostics({ lines }: { lines?: () => string }) {
  const { t } = useTranslation();
  const { copied, failed, copy } = useCopy();

  return (
    <div className="flex flex-wrap items-center justify-end gap-x-2">
      {failed && (
        <p role="alert" className="text-destructive text-sm">
          {t("diagnostics.failed")}
        </p>
      )}
      <Button variant="ghost" size="sm" onClick={() => copy(diagnostics(lines?.() ?? null))}>
        {copied ? <Check /> : <Copy />}
        {t(copied ? "diagnostics.copied" : "diagnostics.copy")}
      </Button>
    </div>
  );
}
