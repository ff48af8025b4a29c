import { Check, ChevronDown, CircleHelp, type LucideIcon, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { cn } from "@/components/ui/class-names";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import type { Ability, AbilityState } from "./ability";

const STATES: readonly AbilityState[] = ["yes", "no", "unknown"];
const ICONS: Record<AbilityState, LucideIcon> = { yes: Check, no: X, unknown: CircleHelp };

type AbilityChipProps = { ability: Ability; state: AbilityState; onChange: (state: AbilityState) => void };

/** What the person says of one ability of a model: yes, no, or that they do not know. */
export function AbilityChip({ ability, state, onChange }: AbilityChipProps) {
  const { t } = useTranslation();
  const Icon = ICONS[state];
  const name = t(`settings.abilities.${ability}`);
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <button
          type="button"
          aria-label={t("settings.providers.models.abilityOf", {
            ability: name,
            state: t(`settings.providers.models.states.${state}`),
          })}
          className={cn(
            "inline-flex h-7 items-center gap-1.5 rounded-full border px-2.5 text-[0.8125rem] transition-colors duration-150 hover:border-input",
            state === "yes" && "border-transparent bg-primary-soft text-primary",
            state === "no" && "text-muted-foreground",
            state === "unknown" && "border-dashed text-muted-foreground",
          )}
        >
          <Icon aria-hidden="true" className="size-3.5" />
          {name}
          <ChevronDown aria-hidden="true" className="-mr-0.5 size-3 opacity-60" />
        </button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start" className="min-w-36">
        <DropdownMenuRadioGroup
          aria-label={name}
          value={state}
          onValueChange={(value) => onChange(value as AbilityState)}
        >
          {STATES.map((each) => {
            const StateIcon = ICONS[each];
            return (
              <DropdownMenuRadioItem key={each} value={each}>
                <StateIcon />
                {t(`settings.providers.models.states.${each}`)}
              </DropdownMenuRadioItem>
            );
          })}
        </DropdownMenuRadioGroup>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
