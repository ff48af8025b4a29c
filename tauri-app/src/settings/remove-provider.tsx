import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";
import type { Assignment, Provider } from "@/rpc/gen/protocol";
import { useJobNames } from "./job-names";
import { ErrorNote } from "./section";

type RemoveProviderProps = {
  provider: Provider;
  /** The jobs that go back. */
  jobs: readonly Assignment[];
  onRemove: () => Promise<unknown>;
  onClose: () => void;
};

export function RemoveProvider({ provider, jobs, onRemove, onClose }: RemoveProviderProps) {
  const { t } = useTranslation();
  const [error, setError] = useState<RpcError | null>(null);
  const names = useJobNames(jobs);

  async function remove() {
    try {
      await onRemove();
      onClose();
    } catch (cause) {
      setError(RpcError.from(cause));
    }
  }

  return (
    <Dialog
      role="alertdialog"
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
      onClose={onClose}
    >
      {error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button variant="destructive" onClick={() => void remove()}>
          {t("settings.providers.remove")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
