import {
  ArrowLeft,
  Blocks,
  Cpu,
  HardDrive,
  type LucideIcon,
  Plug,
  Server,
  SlidersHorizontal,
} from "lucide-react";
import { Dialog } from "radix-ui";
import { type ComponentType, type RefObject, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { useAlone } from "@/components/use-alone";
import { useKeptFocus } from "@/components/use-kept-focus";
import type { Sidecar } from "@/rpc/sidecar";
import { Builtin } from "./builtin";
import { Capabilities } from "./capabilities";
import { General } from "./general";
import { Programs } from "./programs";
import { Providers } from "./providers";
import { Storage } from "./storage";

type SectionName = "general" | "capabilities" | "providers" | "builtin" | "programs" | "storage";

/** In the order in which they are listed. */
const SECTIONS: readonly [SectionName, LucideIcon, ComponentType<{ sidecar: Sidecar }>][] = [
  ["general", SlidersHorizontal, General],
  ["capabilities", Blocks, Capabilities],
  ["providers", Server, Providers],
  ["builtin", Cpu, Builtin],
  ["programs", Plug, Programs],
  ["storage", HardDrive, Storage],
];

type SettingsPageProps = {
  sidecar: Sidecar;
  onClose: () => void;
  /** Gets the focus when the page is left. */
  opener: RefObject<HTMLElement | null>;
};

/** Lies over the whole window until it is left; what is below stays as it is. */
export function SettingsPage({ sidecar, onClose, opener }: SettingsPageProps) {
  return (
    <Dialog.Root open modal={false} onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Content
          aria-describedby={undefined}
          onInteractOutside={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            opener.current?.focus();
          }}
          className="fixed inset-0 z-40 flex animate-rise flex-col bg-background outline-none"
        >
          <Page sidecar={sidecar} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Page({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const [section, setSection] = useState<SectionName>("general");
  const header = useRef<HTMLElement>(null);
  const view = useRef<HTMLElement>(null);
  useAlone(header);
  useKeptFocus(view);

  function show(name: SectionName) {
    setSection(name);
    view.current?.scrollTo({ top: 0 });
  }

  return (
    <>
      <header ref={header} className="flex h-(--header) shrink-0 items-center gap-2 border-b px-3">
        <Dialog.Close asChild>
          <Button variant="ghost" size="sm">
            <ArrowLeft />
            {t("settings.back")}
          </Button>
        </Dialog.Close>
        <Dialog.Title className="font-semibold tracking-tight">{t("settings.title")}</Dialog.Title>
      </header>
      <div className="flex min-h-0 grow flex-col md:flex-row">
        <nav
          aria-label={t("settings.sections.label")}
          className="flex shrink-0 gap-1 overflow-x-auto border-b p-2 md:w-56 md:flex-col md:border-r md:border-b-0 md:p-3"
        >
          {SECTIONS.map(([name, Icon]) => (
            <button
              key={name}
              type="button"
              aria-current={name === section ? "page" : undefined}
              onClick={() => show(name)}
              className={cn(
                "flex shrink-0 items-center gap-2.5 rounded-lg px-3 py-2 text-left text-muted-foreground text-sm transition-colors duration-150 hover:bg-muted hover:text-foreground focus-visible:-outline-offset-2",
                name === section && "bg-accent font-medium text-foreground hover:bg-accent",
              )}
            >
              <Icon aria-hidden="true" className="size-4 shrink-0" />
              {t(`settings.sections.${name}`)}
            </button>
          ))}
        </nav>
        <main ref={view} className="min-h-0 min-w-0 grow overflow-y-auto">
          <div className="mx-auto max-w-[48rem] px-6 pt-8 pb-16">
            {SECTIONS.map(
              ([name, , View]) =>
                name === section && (
                  <div key={name} className="animate-rise">
                    <View sidecar={sidecar} />
                  </div>
                ),
            )}
          </div>
        </main>
      </div>
    </>
  );
}
