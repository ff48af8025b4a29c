import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";
import type { Session } from "@/rpc/gen/protocol";
import { ErrorNote } from "@/settings/section";

type DeleteChatProps = { session: Session; onDelete: () => Promise<void>; onClose: () => void };

/** Asks once more, as there is no way back. */
export function DeleteChat({ session, onDelete, onClose }: DeleteChatProps) {
  const { t } = useTranslation();
  const [error, setError] = useState<RpcError | null>(null);
  const [deleting, setDeleting] = useState(false);

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
      title={t("chat.chats.deletion.title")}
      description={
        <>
          <p className="break-words font-medium text-foreground">
            {session.title || t("chat.chats.untitled")}
          </p>
          <p>{t("chat.chats.deletion.body")}</p>
        </>
      }
      onClose={onClose}
    >
      {error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("chat.chats.deletion.cancel")}
        </Button>
        <Button variant="destructive" disabled={deleting} onClick={() => void remove()}>
          {t("chat.chats.deletion.confirm")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
