/** How far a download or an import is. */
import type { DownloadEvent, ModelStatus } from "@/rpc/gen/protocol";

/** Counts are bytes, the speed is 10⁶ bytes a second, the time is in seconds. */
export interface Transfer {
  percent: number;
  doneBytes: number;
  totalBytes: number | null;
  speed: number | null;
  secondsLeft: number | null;
  /** Everything is here; its hashes are being compared. */
  verifying: boolean;
  /** Nothing has been heard from the download yet. */
  starting: boolean;
}

const IDLE = { speed: null, secondsLeft: null, verifying: false, starting: false };

/** One that begins with that much on the disk. */
export function transferFrom(doneBytes: number, totalBytes: number | null): Transfer {
  return { ...IDLE, percent: percentOf(doneBytes, totalBytes), doneBytes, totalBytes, starting: true };
}

/** Taken up again: until it is heard of what is on the disk, that is what was there. */
export function transferAgain({ percent, doneBytes, totalBytes }: Transfer): Transfer {
  return { ...IDLE, percent, doneBytes, totalBytes, starting: true };
}

export function transferAt({ downloadedBytes: doneBytes, totalBytes, state }: ModelStatus): Transfer {
  const percent = percentOf(doneBytes, totalBytes);
  return { ...IDLE, percent, doneBytes, totalBytes, verifying: state === "verifying" };
}

export function transferOf(event: DownloadEvent): Transfer {
  return {
    percent: event.progress,
    doneBytes: event.downloaded_bytes,
    totalBytes: event.total_bytes,
    speed: event.speed_mbps ?? null,
    secondsLeft: event.eta_seconds ?? null,
    verifying: event.verifying === true,
    starting: false,
  };
}

function percentOf(doneBytes: number, totalBytes: number | null): number {
  return totalBytes ? Math.min(100, (100 * doneBytes) / totalBytes) : 0;
}
