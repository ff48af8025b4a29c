import { ArrowRight, Download, Pencil, RotateCw, SquarePen, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { type ChatMessage, canGoOn } from "./message";
import { concernsQuestion } from "./question-error";

/** What can be done with the last answer. */
export interface WaysOn {
  onContinue: (answerId: string) => void;
  onAgain: (answerId: string) => void;
  onEdit: () => void;
  onNew: () => void;
  onModelMissing: () => void;
  /** Files of the model that is missing are there, but damaged. */
  damaged: boolean;
}

type AnswerEndProps = { message: ChatMessage; waysOn?: WaysOn | undefined; live: boolean };

/** How an answer came to its end, unless it is whole: stopped, too long, or broken off, and the way on from there. */
export function AnswerEnd({ message, waysOn, live }: AnswerEndProps) {
  const { t } = useTranslation();
  const { state, kind, finishReason } = message;
  if (state === "interrupted" && kind !== null) {
    return waysOn ? (
      <BrokenOff message={message} kind={kind} waysOn={waysOn} live={live} />
    ) : (
      <Note>{t("chat.answer.brokenOff", { why: errorText(t, { kind, details: {} }).title })}</Note>
    );
  }
  if (state !== "interrupted" && finishReason !== "length") {
    return null;
  }
  return (
    <Note>
      {t(state === "interrupted" ? "chat.answer.stopped" : "chat.answer.lengthLimit")}
      {waysOn && canGoOn(message) && <Continue onContinue={() => waysOn.onContinue(message.id)} />}
    </Note>
  );
}

type BrokenOffProps = { message: ChatMessage; kind: string; waysOn: WaysOn; live: boolean };

function BrokenOff({ message, kind, waysOn, live }: BrokenOffProps) {
  const { t } = useTranslation();
  const { title, hint } = errorText(t, { kind, details: waysOn.damaged ? { reason: "damaged" } : {} });
  return (
    <div className="mt-3 animate-rise rounded-2xl border border-destructive/25 bg-destructive-soft px-5 py-4">
      <div role={live ? "alert" : undefined}>
        <p className="flex items-center gap-2.5 font-medium">
          <TriangleAlert aria-hidden="true" className="size-4 shrink-0 text-destructive" />
          {title}
        </p>
        <p className="mt-1 text-sm">{hint}</p>
        {message.said !== null && (
          <p className="selectable mt-1.5 break-words font-mono text-xs">{message.said}</p>
        )}
      </div>
      <div className="mt-3 flex flex-wrap gap-2">
        {kind === "model_not_ready" && (
          <Way icon={<Download />} onTake={waysOn.onModelMissing}>
            {t("chat.answer.toDownload")}
          </Way>
        )}
        {kind === "context_length_exceeded" && (
          <Way icon={<SquarePen />} onTake={waysOn.onNew}>
            {t("chat.answer.startNew")}
          </Way>
        )}
        {canGoOn(message) && <Continue onContinue={() => waysOn.onContinue(message.id)} />}
        {concernsQuestion(kind) ? (
          <Way icon={<Pencil />} onTake={waysOn.onEdit}>
            {t("chat.question.edit")}
          </Way>
        ) : (
          <Way icon={<RotateCw />} onTake={() => waysOn.onAgain(message.id)}>
            {t("chat.answer.retry")}
          </Way>
        )}
      </div>
    </div>
  );
}

function Continue({ onContinue }: { onContinue: () => void }) {
  const { t } = useTranslation();
  return (
    <Way icon={<ArrowRight />} onTake={onContinue}>
      {t("chat.answer.continue")}
    </Way>
  );
}

function Way({ icon, onTake, children }: { icon: ReactNode; onTake: () => void; children: string }) {
  return (
    <Button variant="outline" size="sm" onClick={onTake}>
      {icon}
      {children}
    </Button>
  );
}

function Note({ children }: { children: ReactNode }) {
  return (
    <div className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-2 text-[0.8125rem] text-muted-foreground">
      {children}
    </div>
  );
}
