import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import { formatBytes } from "@/i18n/quantity";
import type { Assignment } from "@/rpc/gen/protocol";
import { useJobNames } from "./job-names";

type DeleteModelProps = {
  /** What becomes free. */
  bytes: number;
  /** The jobs that the model has. */
  jobs: readonly Assignment[];
  onDelete: () => Promise<void>;
  onClose: () => void;
};

export function DeleteModel({ bytes, jobs, onDelete, onClose }: DeleteModelProps) {
  const { t, i18n } = useTranslation();
  const names = useJobNames(jobs);

  return (
    <Confirmation
      title={t("settings.builtin.deletion.title")}
      description={
        <>
          <p>{t("settings.builtin.deletion.body", { size: formatBytes(bytes, i18n.language) })}</p>
          {names !== "" && (
            <p className="font-medium text-foreground">
              {t("settings.builtin.deletion.jobs", { jobs: names })}
            </p>
          )}
        </>
      }
      confirm={t("settings.builtin.deletion.confirm")}
      onConfirm={onDelete}
      onClose={onClose}
    />
  );
}
