import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { formatBytes } from "@/i18n/quantity";
import { RpcError } from "@/rpc/error";
import type { Assignment } from "@/rpc/gen/protocol";
import { useJobNames } from "./job-names";
import { ErrorNote } from "./section";

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
  const [error, setError] = useState<RpcError | null>(null);
  const [deleting, setDeleting] = useState(false);
  const names = useJobNames(jobs);

  async function remove() {
    setDeleting(true);
    setError(null);
    try {
      await onDelete();
      onClose();
    } catch (cause) {
      setError(RpcError.from(cause));
      setDeleting(false);
    }
  }

  return (
    <Dialog
      role="alertdialog"
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
      onClose={onClose}
    >
      {error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button variant="destructive" disabled={deleting} onClick={() => void remove()}>
          {t("settings.builtin.deletion.confirm")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
