/** Amounts in the person's language. Units are decimal: 1 GB is 10⁹ bytes, as disks and the download's events count. */

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

function quantity(value: number, unit: string, language: string, digits: number): string {
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay:
      unit === "byte" || unit === "second" || unit === "minute" || unit === "hour" ? "long" : "short",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** For example "2.6 GB". */
export function formatBytes(bytes: number, language: string): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return quantity(value, UNITS[power] ?? "byte", language, power === 0 || value >= 100 ? 0 : 1);
}

/** `megabytes` a second (10⁶ bytes), for example "12.4 MB/s". */
export function formatSpeed(megabytes: number, language: string): string {
  return megabytes < 0.95
    ? quantity(megabytes * 1000, "kilobyte-per-second", language, 0)
    : quantity(megabytes, "megabyte-per-second", language, megabytes >= 100 ? 0 : 1);
}

/** A rough time, as a person would say it: "40 seconds", "3 minutes". */
export function formatDuration(seconds: number, language: string): string {
  if (seconds < 55) {
    return quantity(Math.max(5, Math.ceil(seconds / 5) * 5), "second", language, 0);
  }
  if (seconds < 55 * 60) {
    return quantity(Math.max(1, Math.round(seconds / 60)), "minute", language, 0);
  }
  const hours = Math.round(seconds / 1800) / 2;
  return quantity(Math.max(1, hours), "hour", language, Number.isInteger(hours) ? 0 : 1);
}

/** A measured time, for example "1.4 seconds"; what is shorter than a tenth is one, as nothing takes no time. */
export function formatSeconds(seconds: number, language: string): string {
  return quantity(Math.max(0.1, seconds), "second", language, seconds < 10 ? 1 : 0);
}
