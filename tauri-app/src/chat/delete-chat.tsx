import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import type { Session } from "@/rpc/gen/protocol";

type DeleteChatProps = { session: Session; onDelete: () => Promise<void>; onClose: () => void };

/** Asks once more, as there is no way back. */
export function DeleteChat({ session, onDelete, onClose }: DeleteChatProps) {
  const { t } = useTranslation();

  return (
    <Confirmation
      title={t("chat.chats.deletion.title")}
      description={
        <>
          <p className="break-words font-medium text-foreground">
            {session.title || t("chat.chats.untitled")}
          </p>
          <p>{t("chat.chats.deletion.body")}</p>
        </>
      }
      confirm={t("chat.chats.deletion.confirm")}
      onConfirm={onDelete}
      onClose={onClose}
    />
  );
}
