import { Check, LoaderCircle, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { formatSeconds } from "@/i18n/quantity";
import type { TestResult } from "@/rpc/gen/protocol";
import type { ModelTest } from "./use-model-test";

type ModelTestViewProps = {
  /** Of what is tested: a model, or a server. */
  name: string;
  test: ModelTest;
  onStop: () => void;
  onClose: () => void;
  /** What can be done with the results, once they are all there. */
  children?: ReactNode;
};

export function ModelTestView({ name, test, onStop, onClose, children }: ModelTestViewProps) {
  const { t } = useTranslation();
  const { results, running, error } = test;
  return (
    <div className="relative animate-rise rounded-xl bg-muted px-4 py-3 text-sm">
      <Button
        variant="ghost"
        size="icon-sm"
        aria-label={t("settings.close")}
        onClick={onClose}
        className="absolute top-2 right-2"
      >
        <X />
      </Button>
      <ul
        aria-label={t("settings.providers.test.title", { model: name })}
        aria-live="polite"
        className="grid gap-1.5 pr-9"
      >
        {results.map((result) => (
          <Result key={result.ability} result={result} />
        ))}
        {running && (
          <li className="flex items-center gap-2 text-muted-foreground">
            <LoaderCircle aria-hidden="true" className="size-4 animate-spin" />
            {t("settings.providers.test.running")}
          </li>
        )}
      </ul>
      {error && <ErrorNote error={error} className="mt-2" />}
      {running ? (
        <Button variant="outline" size="sm" className="mt-3" onClick={onStop}>
          {t("settings.providers.models.stop")}
        </Button>
      ) : (
        children
      )}
    </div>
  );
}

function Result({ result: { ability, works, seconds, kind, reason } }: { result: TestResult }) {
  const { t, i18n } = useTranslation();
  const name =
    ability === "models" ? t("settings.providers.test.models") : t(`settings.abilities.${ability}`);
  return (
    <li className="animate-rise">
      <p className="flex items-center gap-2">
        {works ? (
          <Check aria-hidden="true" className="size-4 shrink-0 text-primary" />
        ) : (
          <X aria-hidden="true" className="size-4 shrink-0 text-destructive" />
        )}
        <span className="font-medium">{name}</span>
        <span className="text-muted-foreground">
          {t(works ? "settings.providers.test.works" : "settings.providers.test.fails")} ·{" "}
          {formatSeconds(seconds, i18n.language)}
        </span>
      </p>
      {!works && kind && (
        <p className="pl-6 text-muted-foreground text-xs">{errorText(t, { kind, details: {} }).title}</p>
      )}
      {!works && reason && (
        <p className="selectable break-words pl-6 text-muted-foreground text-xs">
          {t("settings.providers.test.said", { reason })}
        </p>
      )}
    </li>
  );
}
