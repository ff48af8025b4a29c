import { cn } from "@/components/ui/class-names";
import type { StorageHolding } from "@/rpc/gen/protocol";
import type { StorageKind } from "./use-storage";

/** One accent in steps: which part is which says the list, which has the same dots. */
const SHADES: Record<StorageKind, string> = {
  model: "bg-primary",
  partial: "bg-primary/45",
  environment: "bg-primary/75",
  kernels: "bg-primary/35",
  database: "bg-foreground/75",
  copies: "bg-foreground/45",
  attachments: "bg-primary/60",
  logs: "bg-foreground/30",
  web: "bg-foreground/60",
  other: "bg-foreground/20",
};

/** How the kinds share the whole. For the eye only: the list below says it in figures. */
export function StorageBar({ holdings, total }: { holdings: readonly StorageHolding[]; total: number }) {
  return (
    <div aria-hidden="true" className="mt-3 flex h-2.5 gap-px overflow-hidden rounded-full bg-accent">
      {holdings.map(({ kind, bytes }) => (
        <div
          key={kind}
          className={cn("h-full transition-[width] duration-500 ease-calm", SHADES[kind])}
          style={{ width: `${total > 0 ? (bytes / total) * 100 : 0}%` }}
        />
      ))}
    </div>
  );
}

export function StorageDot({ kind }: { kind: StorageKind }) {
  return <span aria-hidden="true" className={cn("mt-1.5 size-2.5 shrink-0 rounded-full", SHADES[kind])} />;
}
