import { Check, Copy } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Spoken } from "@/components/spoken";
import { Button } from "@/components/ui/button";
import { useCopy } from "@/components/use-copy";
import { formatBytes } from "@/i18n/quantity";
import type { StorageHolding } from "@/rpc/gen/protocol";
import { StorageDot } from "./storage-bar";

type StorageRowProps = {
  holding: StorageHolding;
  /** Bytes that were cleared just now. */
  freed: number | null;
  /** Absent where there is nothing to clear. */
  onClear?: () => void;
};

export function StorageRow({ holding: { kind, bytes, places }, freed, onClear }: StorageRowProps) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const name = t(`settings.storage.kinds.${kind}.name`);
  const size = (count: number) => formatBytes(count, i18n.language);
  return (
    <li aria-labelledby={id} className="flex gap-3 px-5 py-3.5">
      <StorageDot kind={kind} />
      <div className="min-w-0 grow">
        <div className="flex items-baseline justify-between gap-4">
          <h3 id={id} className="font-medium">
            {name}
          </h3>
          <p className="shrink-0 text-sm tabular-nums">{size(bytes)}</p>
        </div>
        <p className="text-muted-foreground text-sm">{t(`settings.storage.kinds.${kind}.hint`)}</p>
        <div className="mt-1 flex items-end justify-between gap-4">
          <ul className="min-w-0">
            {places.map((place) => (
              <Place key={place} path={place} />
            ))}
          </ul>
          {onClear && (
            <Button
              variant="outline"
              size="sm"
              aria-label={t("settings.storage.clearOf", { name })}
              onClick={onClear}
            >
              {t("settings.storage.clear")}
            </Button>
          )}
        </div>
        <p role="status" className="text-primary text-sm empty:hidden">
          {freed !== null &&
            (freed > 0 ? t("settings.storage.freed", { size: size(freed) }) : t("settings.storage.cleared"))}
        </p>
      </div>
    </li>
  );
}

function Place({ path }: { path: string }) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  return (
    <li className="flex items-center gap-1">
      <span className="selectable min-w-0 break-all font-mono text-muted-foreground text-xs">{path}</span>
      <Button
        variant="ghost"
        size="icon-sm"
        className="size-6"
        aria-label={t("settings.storage.copyPlace", { path })}
        onClick={() => copy(path)}
      >
        {copied ? <Check className="size-3.5" /> : <Copy className="size-3.5" />}
      </Button>
      <Spoken>{copied ? t("settings.storage.copied") : ""}</Spoken>
    </li>
  );
}
