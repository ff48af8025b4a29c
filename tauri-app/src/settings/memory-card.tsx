import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useEngine } from "@/chat/use-engine";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import { formatBytes } from "@/i18n/quantity";
import { RpcError } from "@/rpc/error";
import type { Sidecar } from "@/rpc/sidecar";
import { Card } from "./section";

/** What the engine holds in memory, and taking it out of there. */
export function MemoryCard({ sidecar }: { sidecar: Sidecar }) {
  const { t, i18n } = useTranslation();
  const engine = useEngine(sidecar);
  const [error, setError] = useState<RpcError | null>(null);
  if (!engine) {
    return null;
  }
  const { loaded, loading, activeBytes, budgetBytes } = engine;
  const bytes = (count: number) => formatBytes(count, i18n.language);
  const use =
    budgetBytes === null
      ? t("settings.builtin.memory.useOnly", { used: bytes(activeBytes) })
      : t("settings.builtin.memory.use", { used: bytes(activeBytes), budget: bytes(budgetBytes) });

  function unload() {
    setError(null);
    sidecar.call("models/unload", {}).catch((cause: unknown) => setError(RpcError.from(cause)));
  }

  return (
    <Card role="group" aria-labelledby="settings-memory" className="px-5 py-4">
      <div className="flex items-start justify-between gap-4">
        <div>
          <h3 id="settings-memory" className="font-medium">
            {t("settings.builtin.memory.title")}
          </h3>
          <p className="text-muted-foreground text-sm">
            {t(
              loading
                ? "settings.builtin.memory.loading"
                : loaded
                  ? "settings.builtin.memory.loaded"
                  : "settings.builtin.memory.unloaded",
            )}
          </p>
        </div>
        {loaded && (
          <Button variant="outline" size="sm" onClick={unload}>
            {t("settings.builtin.memory.unload")}
          </Button>
        )}
      </div>
      {(loaded || loading) && (
        <div className="mt-3 grid gap-1.5">
          {budgetBytes !== null && budgetBytes > 0 && (
            <Progress
              aria-label={t("settings.builtin.memory.bar")}
              getValueLabel={() => use}
              value={Math.min(100, (activeBytes / budgetBytes) * 100)}
            />
          )}
          <p className="text-muted-foreground text-sm tabular-nums">{use}</p>
        </div>
      )}
      {error && <ErrorNote error={error} className="mt-3" />}
    </Card>
  );
}
