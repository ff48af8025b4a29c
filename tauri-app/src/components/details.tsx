import { ChevronRight } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./ui/button";
import { Collapsible, CollapsibleContent, CollapsibleTrigger } from "./ui/collapsible";

type DetailsProps = {
  open?: boolean;
  className?: string;
  /** What can be done with the lines; shown with them. */
  action?: ReactNode;
  children: ReactNode;
};

/** What the program has to say in its own words, folded away until somebody wants it. */
export function Details({ open: initiallyOpen = false, className, action, children }: DetailsProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(initiallyOpen);
  const lines = useRef<HTMLElement>(null);

  // The newest line is the one that matters.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line and the unfolding are what this waits for.
  useLayoutEffect(() => {
    lines.current?.scrollTo({ top: lines.current.scrollHeight });
  }, [children, open]);

  return (
    <Collapsible open={open} onOpenChange={setOpen} className={className}>
      <div className="flex items-center justify-between">
        <CollapsibleTrigger asChild>
          <Button variant="ghost" size="sm" className="-ml-2 px-2">
            <ChevronRight className={open ? "rotate-90 transition-transform" : "transition-transform"} />
            {t(open ? "details.hide" : "details.show")}
          </Button>
        </CollapsibleTrigger>
        {open && action}
      </div>
      <CollapsibleContent>
        <section
          ref={lines}
          aria-label={t("details.label")}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
          className="selectable mt-2 max-h-40 overflow-y-auto whitespace-pre-wrap break-words rounded-lg bg-muted px-3 py-2 font-mono text-muted-foreground text-xs leading-relaxed"
        >
          {children}
        </section>
      </CollapsibleContent>
    </Collapsible>
  );
}
