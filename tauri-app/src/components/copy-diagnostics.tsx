import { Check, Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import { diagnostics } from "@/rpc/shell";
import { Button } from "./ui/button";
import { useCopy } from "./use-copy";

/** Copies all that a report of a problem should have: what the shell tells, and `more` if this window knows more. */
export function CopyDiagnostics({ more }: { more?: () => string }) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();

  function report() {
    const known = more?.() ?? "";
    copy(
      diagnostics().then(
        (text) => `${text}\n\n${known}`.trim(),
        // Half a report is better than none.
        () => known,
      ),
    );
  }

  return (
    <Button variant="ghost" size="sm" onClick={report}>
      {copied ? <Check /> : <Copy />}
      {t(copied ? "diagnostics.copied" : "diagnostics.copy")}
    </Button>
  );
}
