import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";

type ConfirmationProps = {
  title: string;
  /** What goes, and what comes of that. */
  description: ReactNode;
  /** The word on the button that does it. */
  confirm: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
};

/** Asks once more before something that cannot be taken back; closes when it is done, and says why where it is not. */
export function Confirmation({ title, description, confirm, onConfirm, onClose }: ConfirmationProps) {
  const { t } = useTranslation();
  const [error, setError] = useState<RpcError | null>(null);
  const [running, setRunning] = useState(false);

  async function run() {
    setRunning(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (cause) {
      setError(RpcError.from(cause));
      setRunning(false);
    }
  }

  return (
    <Dialog role="alertdialog" title={title} description={description} onClose={onClose}>
      {error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button variant="destructive" disabled={running} onClick={() => void run()}>
          {confirm}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
