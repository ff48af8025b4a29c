import { ArrowLeft, CircleQuestionMark } from "lucide-react";
import { Dialog } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Diagnostics } from "@/components/diagnostics";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useAlone } from "@/components/use-alone";
import { shellState } from "@/rpc/shell";
import { About } from "@/settings/about";

/** The problems that people meet, in the order in which they meet them. */
const PROBLEMS = ["stuck", "notEntering", "noAnswer", "waiting"] as const;

/** Opens the help, which lies over the whole window until it is left. */
export function HelpButton() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen} modal={false}>
      <Tooltip content={t("help.open")}>
        <Dialog.Trigger asChild>
          <Button variant="ghost" size="icon" aria-label={t("help.open")}>
            <CircleQuestionMark />
          </Button>
        </Dialog.Trigger>
      </Tooltip>
      <Dialog.Portal>
        <Dialog.Content
          aria-describedby={undefined}
          onInteractOutside={(event) => event.preventDefault()}
          className="fixed inset-0 z-50 animate-rise overflow-y-auto bg-background outline-none"
        >
          <HelpPage />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function HelpPage() {
  const { t } = useTranslation();
  const folder = useDataFolder();
  const header = useRef<HTMLElement>(null);
  useAlone(header);
  return (
    <>
      <header
        ref={header}
        className="sticky top-0 flex min-h-(--header) flex-wrap items-center justify-between border-b bg-background px-3"
      >
        <Dialog.Close asChild>
          <Button variant="ghost" size="sm">
            <ArrowLeft />
            {t("help.back")}
          </Button>
        </Dialog.Close>
        <Diagnostics />
      </header>
      <div className="mx-auto max-w-(--column) px-6 pt-8 pb-16">
        <Dialog.Title className="font-semibold text-2xl leading-snug tracking-tight">
          {t("help.title")}
        </Dialog.Title>
        <p className="mt-3 text-muted-foreground">{t("help.intro")}</p>
        {PROBLEMS.map((problem) => (
          <section
            key={problem}
            aria-labelledby={`help-${problem}`}
            className="mt-6 rounded-2xl border bg-card px-5 py-4 shadow-raised"
          >
            <h2 id={`help-${problem}`} className="font-semibold">
              {t(`help.${problem}.title`)}
            </h2>
            <p className="mt-1 text-muted-foreground text-sm">{t(`help.${problem}.why`)}</p>
            <ol className="selectable mt-3 grid list-decimal gap-1.5 pl-5 text-sm [overflow-wrap:anywhere]">
              {(["first", "second", "third"] as const).map((step) => (
                <li key={step}>{t(`help.${problem}.${step}`, { folder })}</li>
              ))}
            </ol>
          </section>
        ))}
        {/* Here too: nothing of it needs the engine, without which there are no Settings. */}
        <div className="mt-4 grid gap-4">
          <About />
        </div>
        <p className="mt-8 text-muted-foreground text-sm">{t("help.report")}</p>
      </div>
    </>
  );
}

/** Where the app keeps everything; the words for it until that is known. */
function useDataFolder(): string {
  const { t } = useTranslation();
  const [folder, setFolder] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    shellState().then(
      ({ dataDir }) => gone || setFolder(dataDir),
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, []);
  return folder ?? t("help.dataFolder");
}
