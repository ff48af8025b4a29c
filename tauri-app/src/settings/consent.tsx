import { type ReactNode, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";
import type { Ability } from "./ability";

/** What a person has to agree to before it is done. */
export type Consent = "leaves_computer" | "plain_http";

/** What would be done at the other computer, where it is a job that is given away. */
export interface Errand {
  capability: Ability;
  model: string;
  /** The address of the provider is not encrypted. */
  plain: boolean;
}

interface Question {
  needs: readonly Consent[];
  host: string;
  errand: Errand | undefined;
  answer: (agreed: boolean) => void;
}

const CONSENTS: readonly Consent[] = ["leaves_computer", "plain_http"];

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
  const leaves = needs.includes("leaves_computer");
  const plain = needs.includes("plain_http") || (errand?.plain ?? false);
  const kind = leaves ? "leaves_computer" : "plain_http";
  return (
    <Dialog
      role="alertdialog"
      title={t(`settings.consent.${kind}.title`)}
      description={
        <>
          {leaves && errand && (
            <>
              <p className="text-foreground">
                {t("settings.consent.leaves_computer.lead", {
                  job: t(`settings.abilities.${errand.capability}`),
                  model: errand.model,
                  host,
                })}
              </p>
              <p>{t(`settings.consent.leaves_computer.${errand.capability}`)}</p>
            </>
          )}
          {leaves && <p>{t("settings.consent.leaves_computer.readable")}</p>}
          {leaves && plain && (
            <p className="font-medium text-destructive">{t("settings.consent.plain_http.also")}</p>
          )}
          {!leaves && <p>{t("settings.consent.plain_http.lead", { host })}</p>}
        </>
      }
      onClose={() => answer(false)}
    >
      <DialogActions>
        <Button onClick={() => answer(false)}>{t("settings.cancel")}</Button>
        <Button variant="outline" onClick={() => answer(true)}>
          {t(`settings.consent.${kind}.agree`)}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
