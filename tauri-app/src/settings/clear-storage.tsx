import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { formatBytes } from "@/i18n/quantity";
import { RpcError } from "@/rpc/error";
import { ErrorNote } from "./section";
import type { ClearableKind } from "./use-storage";

type ClearStorageProps = {
  kind: ClearableKind;
  /** What becomes free, about. */
  bytes: number;
  onClear: () => Promise<void>;
  onClose: () => void;
};

export function ClearStorage({ kind, bytes, onClear, onClose }: ClearStorageProps) {
  const { t, i18n } = useTranslation();
  const [error, setError] = useState<RpcError | null>(null);
  const [clearing, setClearing] = useState(false);

  async function clear() {
    setClearing(true);
    setError(null);
    try {
      await onClear();
      onClose();
    } catch (cause) {
      setError(RpcError.from(cause));
      setClearing(false);
    }
  }

  return (
    <Dialog
      role="alertdialog"
      title={t(`settings.storage.kinds.${kind}.question`)}
      description={
        <>
          <p>{t(`settings.storage.kinds.${kind}.consequence`)}</p>
          {bytes > 0 && <p>{t("settings.storage.about", { size: formatBytes(bytes, i18n.language) })}</p>}
        </>
      }
      onClose={onClose}
    >
      {error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button variant="destructive" disabled={clearing} onClick={() => void clear()}>
          {t("settings.storage.confirm")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
