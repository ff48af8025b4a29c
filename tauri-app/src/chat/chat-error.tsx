import { Download, RotateCw, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Details } from "@/components/details";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import type { RpcError } from "@/rpc/error";

type ChatErrorProps = {
  error: RpcError;
  /** Reads the chat, if that is what failed. */
  onRetry?: (() => void) | undefined;
  onModelMissing: () => void;
};

/** Why nothing was asked, or why the chat cannot be shown, and the way on. */
export function ChatError({ error, onRetry, onModelMissing }: ChatErrorProps) {
  const { t } = useTranslation();
  const { title, hint } = errorText(t, error);
  // Why the engine does not start is told on its stderr alone.
  const { stderr } = error.details;
  return (
    <div className="animate-rise rounded-2xl border border-destructive/25 bg-destructive-soft px-5 py-4">
      <div role="alert">
        <p className="flex items-center gap-2.5 font-medium">
          <TriangleAlert aria-hidden="true" className="size-4 shrink-0 text-destructive" />
          {title}
        </p>
        <p className="mt-1 text-sm">{hint}</p>
      </div>
      {(onRetry || error.kind === "model_not_ready") && (
        <div className="mt-3 flex flex-wrap gap-2">
          {error.kind === "model_not_ready" && (
            <Button variant="outline" size="sm" onClick={onModelMissing}>
              <Download />
              {t("chat.answer.toDownload")}
            </Button>
          )}
          {onRetry && (
            <Button variant="outline" size="sm" onClick={onRetry}>
              <RotateCw />
              {t("chat.answer.retry")}
            </Button>
          )}
        </div>
      )}
      {typeof stderr === "string" && <Details className="mt-3">{stderr}</Details>}
    </div>
  );
}
