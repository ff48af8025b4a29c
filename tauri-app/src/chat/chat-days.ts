import type { Session } from "@/rpc/gen/protocol";

export type Days = "today" | "yesterday" | "week" | "earlier";

/** Chats by the day on which they were last changed, as a person at `now` (Unix time in milliseconds) would say it. */
export function byDays(chats: readonly Session[], now: number): readonly [Days, readonly Session[]][] {
  const today = new Date(now);
  const begin = (daysAgo: number) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() - daysAgo).getTime();
  const groups = new Map<Days, Session[]>();
  for (const chat of chats) {
    const days = daysOf(chat.updatedAt, begin);
    groups.set(days, [...(groups.get(days) ?? []), chat]);
  }
  return [...groups];
}

function daysOf(at: number, begin: (daysAgo: number) => number): Days {
  if (at >= begin(0)) {
    return "today";
  }
  if (at >= begin(1)) {
    return "yesterday";
  }
  return at >= begin(6) ? "week" : "earlier";
}
