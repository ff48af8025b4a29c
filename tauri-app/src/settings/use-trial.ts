import { useCallback, useEffect, useRef, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { Assignment } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { tinyPicture } from "./tiny-picture";
import { trialAnswer, trialRequest } from "./trial";

/** A small question to the model that has a job. */
export type Trial = { question: string; model: string; picture: string | null } & (
  | { state: "running" }
  /** `seconds` from the question to the whole answer. */
  | { state: "answered"; answer: string; seconds: number }
  | { state: "failed"; error: RpcError }
);

/** Asks, one question at a time; leaving the page, or asking anew, cancels the one before. */
export function useTrial(sidecar: Sidecar): {
  trial: Trial | null;
  ask: (assignment: Assignment, question: string) => void;
  forget: () => void;
} {
  const [trial, setTrial] = useState<Trial | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const forget = useCallback(() => {
    running.current?.abort();
    running.current = null;
    setTrial(null);
  }, []);

  const ask = useCallback(
    ({ capability, modelId, modelName }: Assignment, question: string) => {
      running.current?.abort();
      const own = new AbortController();
      running.current = own;
      const picture = capability === "vision" ? tinyPicture() : null;
      const asked = { question, model: modelName, picture };
      const begun = performance.now();
      const show = (trial: Trial) => own.signal.aborted || setTrial(trial);
      show({ ...asked, state: "running" });
      sidecar
        .call("chat/completions", trialRequest(capability, { model: modelId, question, picture }), {
          signal: own.signal,
        })
        .then(
          (completion) => {
            const seconds = (performance.now() - begun) / 1000;
            show({ ...asked, state: "answered", answer: trialAnswer(completion), seconds });
          },
          (cause: unknown) => show({ ...asked, state: "failed", error: RpcError.from(cause) }),
        );
    },
    [sidecar],
  );

  return { trial, ask, forget };
}
