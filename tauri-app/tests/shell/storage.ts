/** What is on the disk, for scripts of the shell. */
import type { StorageHolding } from "@/rpc/gen/protocol";
import type { Answers } from "./replay";

const FOLDER = "/home/a/.local/share/knowledge-focus";

function holding(
  kind: StorageHolding["kind"],
  bytes: number,
  clearableBytes: number | null,
  ...places: string[]
): StorageHolding {
  return { kind, bytes, clearableBytes, places: places.map((place) => `${FOLDER}/${place}`) };
}

export const HOLDINGS: readonly StorageHolding[] = [
  holding("model", 2_600_000_000, null, "builtin_models"),
  holding("partial", 310_000_000, 310_000_000, "builtin_models/models--a--b/parts"),
  holding("environment", 640_000_000, null, "python", "cache/uv"),
  holding("kernels", 0, 0),
  holding("database", 8_400_000, null, "knowledge-focus.db", "knowledge-focus.db-wal"),
  holding("copies", 21_000_000, 0, "copies"),
  holding("attachments", 48_000_000, 0, "attachments"),
  holding("logs", 4_100_000, 4_100_000, "logs"),
  holding("web", 1_200_000, null, "web"),
  { kind: "other", bytes: 12_288, clearableBytes: null, places: [FOLDER] },
];

/** A sidecar that has them, and less of a kind once that is cleared. */
export function withStorage(): Answers {
  let holdings = [...HOLDINGS];
  return {
    "storage/usage": () => ({ holdings }),
    "storage/clear": ({ params: { kind } }) => {
      const freedBytes = holdings.find((each) => each.kind === kind)?.clearableBytes ?? 0;
      holdings = holdings.map((each) =>
        each.kind === kind ? { ...each, bytes: each.bytes - freedBytes, clearableBytes: 0 } : each,
      );
      return { freedBytes };
    },
  };
}
