import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import type { Assignment, Provider } from "@/rpc/gen/protocol";
import { useJobNames } from "./job-names";

type RemoveProviderProps = {
  provider: Provider;
  /** The jobs that go back. */
  jobs: readonly Assignment[];
  onRemove: () => Promise<unknown>;
  onClose: () => void;
};

export function RemoveProvider({ provider, jobs, onRemove, onClose }: RemoveProviderProps) {
  const { t } = useTranslation();
  const names = useJobNames(jobs);

  return (
    <Confirmation
      title={t("settings.providers.removal.title", { name: provider.name })}
      description={
        <>
          <p>{t("settings.providers.removal.body")}</p>
          <p className={names === "" ? undefined : "font-medium text-foreground"}>
            {names === ""
              ? t("settings.providers.removal.noJobs")
              : t("settings.providers.removal.jobs", { jobs: names })}
          </p>
        </>
      }
      confirm={t("settings.providers.remove")}
      onConfirm={onRemove}
      onClose={onClose}
    />
  );
}
