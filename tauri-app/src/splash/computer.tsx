import type { TFunction } from "i18next";
import { CircleCheck, TriangleAlert } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/i18n/quantity";
import type { ComputerDescription } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";

/** Words of English that a token is, on average; of Chinese it is about one character and a half. */
const WORDS_A_TOKEN = 0.75;
const CHARACTERS_A_TOKEN = 1.5;

interface LookedAt {
  /** Null until it is known, and where it cannot be told. */
  computer: ComputerDescription | null;
  /** Whether all is known that will be: nothing moves any more under the person's hand. */
  settled: boolean;
  /** Looks again: the person may have made room. */
  again: () => void;
}

/** This computer, as soon as it is known. */
export function useComputer(sidecar: Sidecar, modelId: string): LookedAt {
  const [computer, setComputer] = useState<ComputerDescription | null>(null);
  const [settled, setSettled] = useState(false);
  const [looks, setLooks] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each look asks anew.
  useEffect(() => {
    let gone = false;
    sidecar
      .call("computer/describe", { modelId })
      .then(
        (described) => gone || setComputer(described),
        // It is only a help: without it the person decides as they would anywhere else.
        () => undefined,
      )
      .then(() => gone || setSettled(true));
    return () => {
      gone = true;
    };
  }, [sidecar, modelId, looks]);
  const again = useCallback(() => setLooks((count) => count + 1), []);
  return { computer, settled, again };
}

/** Chip, system and memory, in one line each. */
export function useFacts(computer: ComputerDescription): { name: string; more: string } {
  const { t, i18n } = useTranslation();
  const { chip, architecture, system, systemVersion, memoryBytes } = computer;
  const memory = t("splash.computer.memory", { size: formatBytes(memoryBytes, i18n.language) });
  return {
    name: chip ?? architecture,
    more: [`${system} ${systemVersion ?? ""}`.trim(), memory].join(" · "),
  };
}

/** Whether the model can run here, how fast, and what speaks against it. */
export function Verdict({ computer }: { computer: ComputerDescription }) {
  const { t, i18n } = useTranslation();
  const { fit, freeDiskBytes } = computer;
  const good = fit.verdict === "good";
  const speed = speedText(t, i18n.language, fit.tokensPerSecond);
  const reasons = fit.reasons.map((reason) =>
    t(`splash.computer.reasons.${reason}`, {
      free: formatBytes(freeDiskBytes, i18n.language),
      needed: formatBytes(fit.neededBytes ?? 0, i18n.language),
    }),
  );
  const Icon = good ? CircleCheck : TriangleAlert;
  return (
    <div role={fit.verdict === "unable" ? "alert" : undefined} className="mt-4 flex gap-3 text-sm">
      <Icon
        aria-hidden="true"
        className={
          fit.verdict === "unable"
            ? "mt-0.5 size-4 shrink-0 text-destructive"
            : good
              ? "mt-0.5 size-4 shrink-0 text-primary"
              : "mt-0.5 size-4 shrink-0 text-muted-foreground"
        }
      />
      <div className="grid gap-1 text-muted-foreground">
        <p className="font-medium text-foreground">{t(`splash.computer.verdicts.${fit.verdict}`)}</p>
        {reasons.map((reason) => (
          <p key={reason}>{reason}</p>
        ))}
        {speed && fit.verdict !== "unable" && <p>{speed}</p>}
      </div>
    </div>
  );
}

function speedText(t: TFunction, language: string, tokensPerSecond: number | null): string | null {
  if (tokensPerSecond === null) {
    return null;
  }
  const each = language.startsWith("zh") ? CHARACTERS_A_TOKEN : WORDS_A_TOKEN;
  return t("splash.computer.speed", { count: Math.max(1, Math.round(tokensPerSecond * each)) });
}
