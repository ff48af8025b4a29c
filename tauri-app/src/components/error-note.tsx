import { RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import type { RpcError } from "@/rpc/error";

type ErrorNoteProps = {
  error: Pick<RpcError, "kind" | "details">;
  onRetry?: () => void;
  className?: string;
  children?: ReactNode;
};

/** What went wrong and what to do about it, in place. */
export function ErrorNote({ error, onRetry, className, children }: ErrorNoteProps) {
  const { t } = useTranslation();
  const { title, hint } = errorText(t, error);
  const { said } = error.details;
  return (
    <div
      className={cn(
        "animate-rise rounded-xl border border-destructive/25 bg-destructive-soft px-4 py-3 text-sm",
        className,
      )}
    >
      <div role="alert">
        <p className="flex items-center gap-2 font-medium">
          <TriangleAlert aria-hidden="true" className="size-4 shrink-0 text-destructive" />
          {title}
        </p>
        <p className="mt-0.5 pl-6">{hint}</p>
        {typeof said === "string" && (
          <p className="selectable mt-1 break-words pl-6 font-mono text-xs">{said}</p>
        )}
      </div>
      {(onRetry || children) && (
        <div className="mt-2.5 flex flex-wrap gap-2 pl-6">
          {onRetry && (
            <Button variant="outline" size="sm" onClick={onRetry}>
              <RotateCw />
              {t("settings.retry")}
            </Button>
          )}
          {children}
        </div>
      )}
    </div>
  );
}
