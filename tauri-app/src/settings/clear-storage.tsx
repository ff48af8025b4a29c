import { useTranslation } from "react-i18next";
import { Confirmation } from "@/components/confirmation";
import { formatBytes } from "@/i18n/quantity";
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

  return (
    <Confirmation
      title={t(`settings.storage.kinds.${kind}.question`)}
      description={
        <>
          <p>{t(`settings.storage.kinds.${kind}.consequence`)}</p>
          {bytes > 0 && <p>{t("settings.storage.about", { size: formatBytes(bytes, i18n.language) })}</p>}
        </>
      }
      confirm={t("settings.storage.confirm")}
      onConfirm={onClear}
      onClose={onClose}
    />
  );
}
