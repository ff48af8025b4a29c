import { type ReactNode, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";
import type { Ability } from "./ability";

/** What a person has to agree to before it is done. */
export type Consent = "leaves_computer" | "plain_http" | "background_leaves";

/** What would be done at the other computer. */
export interface Errand {
  /** The address of the provider is not encrypted. */
  plain: boolean;
  /** The job that is given away, where it is one. */
  job?: { capability: Ability; model: string };
}

interface Question {
  needs: readonly Consent[];
  host: string;
  errand: Errand | undefined;
  answer: (agreed: boolean) => void;
}

const CONSENTS: readonly Consent[] = ["leaves_computer", "plain_http", "background_leaves"];

/**
 * Does what may need the person's agreement. `attempt` is made without one; where the sidecar asks for it, the person is
 * asked, and if they agree the attempt is made again. A person who does not agree: null.
 */
export function useConsent(): {
  withConsent: <Result>(
    attempt: (accept: Consent[]) => Promise<Result>,
    errand?: Errand,
  ) => Promise<Result | null>;
  dialog: ReactNode;
} {
  const [question, setQuestion] = useState<Question | null>(null);
  const open = useRef<Question | null>(null);

  const ask = useCallback(
    (needs: readonly Consent[], host: string, errand: Errand | undefined) =>
      new Promise<boolean>((resolve) => {
        const answer = (agreed: boolean) => {
          open.current = null;
          setQuestion(null);
          resolve(agreed);
        };
        open.current?.answer(false);
        open.current = { needs, host, errand, answer };
        setQuestion(open.current);
      }),
    [],
  );

  const withConsent = useCallback(
    async <Result,>(attempt: (accept: Consent[]) => Promise<Result>, errand?: Errand) => {
      const accepted: Consent[] = [];
      for (;;) {
        try {
          return await attempt([...accepted]);
        } catch (cause) {
          const error = RpcError.from(cause);
          const needs = neededBy(error).filter((need) => !accepted.includes(need));
          if (needs.length === 0) {
            throw error;
          }
          if (!(await ask(needs, String(error.details.host ?? ""), errand))) {
            return null;
          }
          accepted.push(...needs);
        }
      }
    },
    [ask],
  );

  return { withConsent, dialog: question && <ConsentDialog question={question} /> };
}

/** What the person has to agree to, of a request that was refused for that; nothing of any other error. */
export function neededBy(error: RpcError): Consent[] {
  const { needs } = error.details;
  if (error.kind !== "consent_needed" || !Array.isArray(needs)) {
    return [];
  }
  return CONSENTS.filter((consent) => needs.includes(consent));
}

function ConsentDialog({ question: { needs, host, errand, answer } }: { question: Question }) {
  const { t } = useTranslation();
  // What is sent comes before how it is sent.
  const kind = (["leaves_computer", "background_leaves"] as const).find((each) => needs.includes(each));
  const plain = needs.includes("plain_http") || (errand?.plain ?? false);
  const job = kind === "leaves_computer" ? errand?.job : undefined;
  return (
    <Dialog
      role="alertdialog"
      title={t(`settings.consent.${kind ?? "plain_http"}.title`)}
      description={
        <>
          {job && (
            <>
              <p className="text-foreground">
                {t("settings.consent.leaves_computer.lead", {
                  job: t(`settings.abilities.${job.capability}`),
                  model: job.model,
                  host,
                })}
              </p>
              <p>{t(`settings.consent.leaves_computer.${job.capability}`)}</p>
            </>
          )}
          {kind === "background_leaves" && (
            <>
              <p className="text-foreground">{t("settings.consent.background_leaves.lead", { host })}</p>
              <p>{t("settings.consent.background_leaves.what")}</p>
            </>
          )}
          {kind && <p>{t("settings.consent.leaves_computer.readable")}</p>}
          {kind && plain && (
            <p className="font-medium text-destructive">{t("settings.consent.plain_http.also")}</p>
          )}
          {!kind && <p>{t("settings.consent.plain_http.lead", { host })}</p>}
        </>
      }
      onClose={() => answer(false)}
    >
      <DialogActions>
        <Button onClick={() => answer(false)}>{t("settings.cancel")}</Button>
        <Button variant="outline" onClick={() => answer(true)}>
          {t(`settings.consent.${kind ?? "plain_http"}.agree`)}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
