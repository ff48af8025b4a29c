import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { formatBytes } from "@/i18n/quantity";
import type { StorageHolding } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { ClearStorage } from "./clear-storage";
import { EraseEverything } from "./erase-everything";
import { Card, Section } from "./section";
import { StorageBar } from "./storage-bar";
import { StorageRow } from "./storage-row";
import { type ClearableKind, type StorageKind, useStorage } from "./use-storage";

const CLEARABLE: readonly StorageKind[] = ["partial", "kernels", "copies", "attachments", "logs"];

/** All that the app keeps on the disk: how much, where, and what can be spared. */
export function Storage({ sidecar }: { sidecar: Sidecar }) {
  const { t, i18n } = useTranslation();
  const { holdings, error, read, clear } = useStorage(sidecar);
  const [asked, setAsked] = useState<{ kind: ClearableKind; bytes: number } | null>(null);
  const [freed, setFreed] = useState<{ kind: StorageKind; bytes: number } | null>(null);
  const there = holdings?.filter(({ kind, bytes }) => bytes > 0 || kind === freed?.kind) ?? [];
  const total = there.reduce((sum, { bytes }) => sum + bytes, 0);

  /** The way to clear it, where there is something to clear. */
  function clearing({ kind, bytes, clearableBytes }: StorageHolding): { onClear?: () => void } {
    // A new copy of the database is as large as the old one, but has nothing of what was deleted.
    const worthwhile = Boolean(clearableBytes) || (kind === "copies" && bytes > 0);
    return isClearable(kind) && worthwhile
      ? { onClear: () => setAsked({ kind, bytes: clearableBytes ?? 0 }) }
      : {};
  }

  return (
    <Section title={t("settings.sections.storage")} intro={t("settings.storage.intro")}>
      {error && <ErrorNote error={error} onRetry={read} />}
      {holdings && (
        <Card role="group" aria-label={t("settings.storage.kept")}>
          <div className="px-5 pt-4 pb-5">
            <p className="font-medium tabular-nums">
              {t("settings.storage.total", { size: formatBytes(total, i18n.language) })}
            </p>
            <StorageBar holdings={there} total={total} />
          </div>
          <ul className="divide-y border-t">
            {there.map((holding) => (
              <StorageRow
                key={holding.kind}
                holding={holding}
                freed={freed?.kind === holding.kind ? freed.bytes : null}
                {...clearing(holding)}
              />
            ))}
          </ul>
        </Card>
      )}
      <EraseEverything />
      {asked && (
        <ClearStorage
          kind={asked.kind}
          bytes={asked.bytes}
          onClear={async () => setFreed({ kind: asked.kind, bytes: await clear(asked.kind) })}
          onClose={() => setAsked(null)}
        />
      )}
    </Section>
  );
}

function isClearable(kind: StorageKind): kind is ClearableKind {
  return CLEARABLE.includes(kind);
}
