import { expect, test } from "vitest";
import { languageOf } from "@/i18n";
import { formatBytes, formatDuration, formatSeconds, formatSpeed } from "@/i18n/quantity";

test.each([
  [0, "0 bytes", "0字节"],
  [999, "999 bytes", "999字节"],
  [1_500, "1.5 kB", "1.5 kB"],
  [150_000_000, "150 MB", "150 MB"],
  [2_600_000_000, "2.6 GB", "2.6 GB"],
])("%d bytes read as people write them", (bytes, english, chinese) => {
  expect(formatBytes(bytes, "en")).toBe(english);
  expect(formatBytes(bytes, "zh")).toBe(chinese);
});

test("speeds below a megabyte a second are told in kilobytes", () => {
  expect(formatSpeed(0.3, "en")).toBe("300 kB/s");
  expect(formatSpeed(12.44, "en")).toBe("12.4 MB/s");
});

test.each([
  [1, "5 seconds", "5秒钟"],
  [42, "45 seconds", "45秒钟"],
  [60, "1 minute", "1分钟"],
  [190, "3 minutes", "3分钟"],
  [5_400, "1.5 hours", "1.5小时"],
])("%d seconds read as a rough time", (seconds, english, chinese) => {
  expect(formatDuration(seconds, "en")).toBe(english);
  expect(formatDuration(seconds, "zh")).toBe(chinese);
});

test("a measured time has a tenth while that tells something, and is never nothing", () => {
  expect(formatSeconds(0.004, "en")).toBe("0.1 seconds");
  expect(formatSeconds(1.44, "en")).toBe("1.4 seconds");
  expect(formatSeconds(12.4, "zh")).toBe("12秒钟");
});

test("the language is the first one that the system wants and the app has", () => {
  expect(languageOf(["zh-Hans-CN", "en-US"])).toBe("zh");
  expect(languageOf(["de-DE", "zh-TW"])).toBe("zh");
  expect(languageOf(["fr-FR"])).toBe("en");
  expect(languageOf([])).toBe("en");
});
