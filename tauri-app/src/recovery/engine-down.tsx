import { RotateCw, TriangleAlert } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Details } from "@/components/details";
import { Diagnostics } from "@/components/diagnostics";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { engineRestart, type SidecarState } from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";

/** Says, above whatever the window shows, that the engine is not started by itself any more, until it runs again. */
export function EngineDown({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const [state, setState] = useState<SidecarState | null>(null);
  const title = useId();
  useEffect(() => sidecar.on("shell/sidecar", setState), [sidecar]);
  if (state?.state !== "down") {
    return null;
  }
  const text = errorText(t, state.error);
  const { stderr } = state.error.details;
  return (
    <section
      aria-labelledby={title}
      className="shrink-0 animate-rise border-destructive/25 border-b bg-destructive-soft px-5 py-3 text-sm"
    >
      <div className="mx-auto flex max-w-(--column) flex-wrap items-start gap-x-4 gap-y-3">
        <TriangleAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-destructive" />
        <div role="alert" className="min-w-0 grow basis-64">
          <h2 id={title} className="font-semibold">
            {text.title}
          </h2>
          <p className="mt-0.5">
            {state.error.kind === "sidecar_unavailable" ? t("engineDown.body") : text.hint}
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button variant="outline" size="sm" onClick={() => void engineRestart().catch(() => undefined)}>
            <RotateCw />
            {t("engineDown.restart")}
          </Button>
          <Diagnostics />
        </div>
        {typeof stderr === "string" && <Details className="basis-full pl-9">{stderr}</Details>}
      </div>
    </section>
  );
}
