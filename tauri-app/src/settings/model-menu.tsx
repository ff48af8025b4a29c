import { ChevronDown, Globe } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuGroup,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import type { Assignment, Provider, ProviderModel } from "@/rpc/gen/protocol";
import { abilityState } from "./ability";

type ModelMenuProps = {
  assignment: Assignment;
  providers: readonly Provider[];
  onChoose: (model: ProviderModel) => void;
};

/** Every model there is, by provider, the built-in one first: whoever cannot do the job says so. */
export function ModelMenu({ assignment, providers, onChoose }: ModelMenuProps) {
  const { t } = useTranslation();
  const { capability, modelId, modelName } = assignment;
  const filled = [...providers]
    .sort((one, other) => Number(other.builtin) - Number(one.builtin))
    .filter(({ models }) => models.length > 0);

  // A choice may ask a question. Only when the menu is gone and the focus back, so that the question gets and returns it.
  const chosen = useRef<string | null>(null);

  function choose() {
    const id = chosen.current;
    chosen.current = null;
    for (const provider of filled) {
      const model = provider.models.find((each) => each.id === id);
      if (model && id !== modelId) {
        onChoose(model);
      }
    }
  }

  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button
          variant="outline"
          aria-label={`${t("settings.capabilities.model", { job: t(`settings.abilities.${capability}`) })}: ${modelName}`}
          className="w-60 max-w-full justify-between gap-2 px-3"
        >
          <span className="truncate">{modelName}</span>
          <ChevronDown className="text-muted-foreground" />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="end" onCloseAutoFocus={() => queueMicrotask(choose)} className="w-72">
        <DropdownMenuRadioGroup
          value={modelId}
          onValueChange={(id) => {
            chosen.current = id;
          }}
        >
          {filled.map((provider) => (
            <DropdownMenuGroup key={provider.id}>
              <DropdownMenuLabel className="flex items-center gap-1.5">
                <span className="truncate">
                  {provider.builtin ? t("settings.builtinProvider") : provider.name}
                </span>
                {provider.leavesComputer && (
                  <>
                    <Globe aria-hidden="true" className="size-3.5 shrink-0" />
                    <span className="sr-only">{t("settings.capabilities.leaves")}</span>
                  </>
                )}
              </DropdownMenuLabel>
              {provider.models.map((model) => (
                <Model key={model.id} model={model} provider={provider} assignment={assignment} />
              ))}
            </DropdownMenuGroup>
          ))}
        </DropdownMenuRadioGroup>
        {filled.every(({ builtin }) => builtin) && (
          <p className="px-2.5 pt-1 pb-1.5 text-muted-foreground text-xs">
            {t("settings.capabilities.noOthers")}
          </p>
        )}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

type ModelProps = { model: ProviderModel; provider: Provider; assignment: Assignment };

function Model({ model, provider, assignment: { capability } }: ModelProps) {
  const { t } = useTranslation();
  const state = abilityState(model, capability, provider.builtin);
  return (
    <DropdownMenuRadioItem value={model.id} disabled={state === "no"} className="gap-3">
      <span className="min-w-0">
        <span className="block break-words">{model.displayName}</span>
        {state !== "yes" && (
          <span className="block text-muted-foreground text-xs">
            {t(state === "no" ? "settings.capabilities.cannot" : "settings.capabilities.notKnown")}
          </span>
        )}
      </span>
    </DropdownMenuRadioItem>
  );
}
