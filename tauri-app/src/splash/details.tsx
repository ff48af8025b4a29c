import { ChevronRight } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Collapsible, CollapsibleContent, CollapsibleTrigger } from "@/components/ui/collapsible";
import type { LogLine } from "./use-stages";

/** What happened so far in the program's own words, folded away until somebody wants it. */
export function Details({ log, open: initiallyOpen }: { log: readonly LogLine[]; open: boolean }) {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState(initiallyOpen);
  const lines = useRef<HTMLElement>(null);

  // The newest line is the one that matters.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line and the unfolding are what this waits for.
  useLayoutEffect(() => {
    lines.current?.scrollTo({ top: lines.current.scrollHeight });
  }, [log, open]);

  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" });
  return (
    <Collapsible open={open} onOpenChange={setOpen} className="mt-8">
      <CollapsibleTrigger asChild>
        <Button variant="ghost" size="sm" className="-ml-2 px-2">
          <ChevronRight className={open ? "rotate-90 transition-transform" : "transition-transform"} />
          {t(open ? "splash.details.hide" : "splash.details.show")}
        </Button>
      </CollapsibleTrigger>
      <CollapsibleContent>
        <section
          ref={lines}
          aria-label={t("splash.details.label")}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
          className="selectable mt-2 max-h-40 overflow-y-auto rounded-lg bg-muted px-3 py-2 font-mono text-muted-foreground text-xs leading-relaxed"
        >
          {log.length === 0
            ? t("splash.details.empty")
            : log.map((line) => (
                <p key={line.id} className="whitespace-pre-wrap break-words">
                  <time dateTime={line.at.toISOString()}>{time.format(line.at)}</time>{" "}
                  {line.status && `${t(`status.${line.status}`)} · `}
                  {line.text}
                </p>
              ))}
        </section>
      </CollapsibleContent>
    </Collapsible>
  );
}
