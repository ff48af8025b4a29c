import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { errorText } from "@/components/error-text";
import { i18n } from "@/i18n";
import type { Recovery } from "@/rpc/gen/protocol";
import type { Answers } from "../shell/replay";
import { failure, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, openWindow } from "../window";

const COPIED: Recovery = {
  setAside: "/home/a/.local/share/knowledge-focus/copies/damaged-1790000000000.db",
  copiedAt: new Date(2026, 2, 4, 9, 30).getTime(),
  recoveredAt: new Date(2026, 2, 5, 8, 0).getTime(),
};

/** A sidecar that tells of a recovery until that is dismissed. */
function withRecovery(recovery: Recovery | null): Answers {
  let told = recovery;
  return {
    "store/status": () => ({ recovery: told }),
    "store/dismissRecovery": () => {
      told = null;
      return { recovery: told };
    },
  };
}

const open = (answers: Answers, language: "en" | "zh" = "en") =>
  openWindow({ answers: withModel(READY, answers), preferences: { language } });

const TITLE = "Your data was restored from a copy";
const note = async (name: string) => within(await screen.findByRole("region", { name }));

test("a recovered database is told: from when the copy is, and where the damaged file lies", async () => {
  await open(withRecovery(COPIED));
  const told = await note(TITLE);
  expect(told.getByRole("alert")).toHaveTextContent("The copy of March 4, 2026 at 9:30 AM took its place");
  expect(told.getByText(COPIED.setAside ?? "")).toBeVisible();
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeVisible();
  await expectNoAxeViolations();
});

test("where there was no copy that is said, in Chinese too", async () => {
  await open(withRecovery({ ...COPIED, copiedAt: null, setAside: null }), "zh");
  const told = await note("未能恢复你的数据");
  expect(told.getByRole("alert")).toHaveTextContent("对话、服务和设置从头开始");
  expect(told.queryByText(/保留在/)).toBeNull();
});

test("the person dismisses it by keyboard, and it does not come back", async () => {
  const { person, shell } = await open(withRecovery(COPIED));
  const dismiss = (await note(TITLE)).getByRole("button", { name: "Dismiss" });
  await screen.findByRole("textbox", { name: "Message" });
  dismiss.focus();
  await person.keyboard("{Enter}");
  await waitFor(() => expect(screen.queryByRole("region", { name: TITLE })).toBeNull());
  shell.notify({ method: "shell/sidecar", params: { state: "ready" } });
  await waitFor(() => expect(shell.calls("store/status").length).toBeGreaterThan(2));
  expect(screen.queryByRole("region", { name: TITLE })).toBeNull();
});

test("what cannot be dismissed stays, and says why", async () => {
  const { person } = await open({
    ...withRecovery(COPIED),
    "store/dismissRecovery": () => {
      throw failure("store_failed", true);
    },
  });
  const told = await note(TITLE);
  await person.click(told.getByRole("button", { name: "Dismiss" }));
  expect(await told.findByText("The app's database cannot be written")).toBeVisible();
});

test("a recovery that happens while the window is open is told at once", async () => {
  const { shell } = await open(withRecovery(null));
  await screen.findByRole("textbox", { name: "Message" });
  expect(screen.queryByRole("region", { name: TITLE })).toBeNull();
  shell.notify({ method: "store/status", params: { recovery: COPIED } });
  expect(await screen.findByRole("region", { name: TITLE })).toBeVisible();
});

test("a database that is found damaged meanwhile asks for another start, not for room on the disk", () => {
  const damaged = errorText(i18n.t, { kind: "store_failed", details: { reason: "damaged" } });
  expect(damaged.title).toBe("The app's database is damaged");
  expect(damaged.hint).toContain("start it again");
  expect(errorText(i18n.t, { kind: "store_failed", details: { reason: "BusyError" } }).hint).toContain(
    "has room",
  );
});
