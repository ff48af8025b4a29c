import {
  Braces,
  CircleCheck,
  CircleHelp,
  Eye,
  Globe,
  type LucideIcon,
  Play,
  TextIcon,
  TriangleAlert,
  Wrench,
} from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import type { RpcError } from "@/rpc/error";
import type { Assignment, Provider, ProviderModel } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import type { Ability } from "./ability";
import { ModelMenu } from "./model-menu";
import { Badge } from "./section";
import { TrialView } from "./trial-view";
import { useTrial } from "./use-trial";

const ICONS: Record<Ability, LucideIcon> = {
  vision: Eye,
  text: TextIcon,
  structured_output: Braces,
  tool_use: Wrench,
};

type CapabilityRowProps = {
  sidecar: Sidecar;
  assignment: Assignment;
  providers: readonly Provider[];
  /** Why the job could not be given to another model. */
  error: RpcError | undefined;
  onAssign: (model: ProviderModel) => void;
};

/** One job: what it is for, who does it, and whether that goes well. */
export function CapabilityRow({ sidecar, assignment, providers, error, onAssign }: CapabilityRowProps) {
  const { t } = useTranslation();
  const { capability, ready, kind, unknown, leavesComputer } = assignment;
  const { trial, ask, forget } = useTrial(sidecar);
  const title = useId();
  const Icon = ICONS[capability];
  const reason = ready ? null : errorText(t, { kind: kind ?? "unknown", details: {} });
  return (
    <li aria-labelledby={title} className="grid grid-cols-[minmax(0,1fr)] gap-3 p-5">
      <div className="flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="flex min-w-[min(14rem,100%)] grow basis-0 items-start gap-3.5">
          <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-primary-soft text-primary">
            <Icon aria-hidden="true" className="size-[1.125rem]" />
          </span>
          <div className="min-w-0">
            <h3 id={title} className="font-medium">
              {t(`settings.abilities.${capability}`)}
            </h3>
            <p className="text-muted-foreground text-sm">{t(`settings.capabilities.what.${capability}`)}</p>
          </div>
        </div>
        <ModelMenu
          assignment={assignment}
          providers={providers}
          onChoose={(model) => {
            forget();
            onAssign(model);
          }}
        />
      </div>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5 sm:pl-[3.125rem]">
        {reason ? (
          <Badge tone="bad" icon={<TriangleAlert aria-hidden="true" />}>
            {reason.title}
          </Badge>
        ) : (
          <Badge tone="good" icon={<CircleCheck aria-hidden="true" />}>
            {t("settings.capabilities.ready")}
          </Badge>
        )}
        {leavesComputer && (
          <Badge icon={<Globe aria-hidden="true" />}>{t("settings.capabilities.leaves")}</Badge>
        )}
        <Button
          variant="ghost"
          size="sm"
          className="ml-auto"
          aria-describedby={title}
          disabled={trial?.state === "running"}
          onClick={() => ask(assignment, t(`settings.capabilities.try.questions.${capability}`))}
        >
          <Play />
          {t("settings.capabilities.try.start")}
        </Button>
      </div>
      {(reason || unknown) && (
        <div className="grid gap-1 text-muted-foreground text-sm sm:pl-[3.125rem]">
          {reason && <p>{reason.hint}</p>}
          {unknown && (
            <Badge icon={<CircleHelp aria-hidden="true" />}>{t("settings.capabilities.unknown")}</Badge>
          )}
        </div>
      )}
      {error && <ErrorNote error={error} />}
      {trial && <TrialView trial={trial} onClose={forget} />}
    </li>
  );
}
