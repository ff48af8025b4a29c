import { useMemo } from "react";
import { useTranslation } from "react-i18next";

/** A sentence at a time: a screen reader that is told every token says nothing that can be followed. */
export function SpokenAnswer({ text, finished }: { text: string; finished: boolean }) {
  const { i18n } = useTranslation();
  const sentences = useMemo(
    () => sentencesOf(text, finished, i18n.language),
    [text, finished, i18n.language],
  );
  return (
    <div role="log" aria-live="polite" className="sr-only">
      {sentences.map((sentence, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sentences are only ever added at the end.
        <p key={index}>{sentence}</p>
      ))}
    </div>
  );
}

/** The sentences that are whole; while the answer grows, its last one is not. */
export function sentencesOf(text: string, finished: boolean, language: string): string[] {
  const segments = [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)];
  return (finished ? segments : segments.slice(0, -1))
    .map(({ segment }) => segment.replace(/[*_`#>|~]+/g, "").trim())
    .filter((sentence) => sentence !== "");
}
