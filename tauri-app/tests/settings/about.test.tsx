import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { NewerRelease } from "@/rpc/shell";
import { failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const RELEASE: NewerRelease = {
  version: "0.2.0",
  page: "https://example.com/releases/0.2.0",
  kind: "deb",
  size: 112_000_000,
};

const open = (commands: Record<string, (args: Record<string, unknown>) => unknown>) =>
  openSettings({}, "General", { commands });
const ask = { name: "Check for updates" };

test("nothing is asked until the person asks, and the newest version is told as that", async () => {
  const { person, shell } = await open({ update_check: () => null });
  expect(await screen.findByText("Knowledge Focus 0.1.0")).toBeVisible();
  expect(shell.commands("update_check")).toEqual([]);
  await person.click(screen.getByRole("button", ask));
  expect(await screen.findByText("This is the newest version.")).toBeVisible();
  expect(shell.commands("update_check")).toHaveLength(1);
});

test("a newer version is fetched with progress, and its next step is said", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  let tell: (percent: number) => void = () => undefined;
  const { person, shell } = await open({
    update_check: () => RELEASE,
    update_fetch: ({ onPercent }) => {
      tell = (onPercent as { onmessage: (percent: number) => void }).onmessage;
      return promise;
    },
    open_link: () => true,
  });
  await person.click(screen.getByRole("button", ask));
  expect(await screen.findByText("Version 0.2.0 is there.")).toBeVisible();
  await person.click(screen.getByRole("button", { name: "What is new" }));
  expect(shell.commands("open_link")).toEqual([{ url: RELEASE.page }]);
  await expectNoAxeViolations();
  await person.click(screen.getByRole("button", { name: "Download (112 MB)" }));
  act(() => tell(40));
  const bar = await screen.findByRole("progressbar", { name: "Progress of the download" });
  await waitFor(() => expect(bar).toHaveAttribute("aria-valuenow", "40"));
  resolve("/home/a/Downloads/app.deb");
  expect(await screen.findByText("sudo apt install '/home/a/Downloads/app.deb'")).toBeVisible();
  expect(screen.getByText(/^Quit the app, and install it/)).toBeVisible();
});

test("a download that was cancelled is offered again, without a complaint", async () => {
  const { promise, reject } = Promise.withResolvers<string>();
  const { person } = await open({
    update_check: () => RELEASE,
    update_fetch: () => promise,
    update_cancel: () => {
      reject(failure("request_cancelled"));
      return null;
    },
  });
  await person.click(screen.getByRole("button", ask));
  await person.click(await screen.findByRole("button", { name: /^Download/ }));
  await person.click(await screen.findByRole("button", { name: "Cancel" }));
  expect(await screen.findByRole("button", { name: /^Download/ })).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

test.each([
  ["update_unknown", "This copy does not know where updates are"],
  ["no_network", "This computer is not connected to a network"],
  ["update_unreachable", "The place of releases does not answer"],
  ["update_untrusted", "What came is not from the makers of this app"],
])("%s is told in plain words, and it can be asked again", async (kind, title) => {
  const { person } = await open({
    update_check: () => {
      throw failure(kind);
    },
  });
  await person.click(screen.getByRole("button", ask));
  expect(await screen.findByRole("alert")).toHaveTextContent(title);
  expect(screen.getByRole("button", ask)).toBeEnabled();
});

test("a copy built from source, or a release without a package for this computer, offers no download", async () => {
  const { person } = await open({ update_check: () => ({ ...RELEASE, kind: "source", size: null }) });
  await person.click(screen.getByRole("button", ask));
  expect(await screen.findByText(/^This copy was built from its source/)).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Download/ })).toBeNull();
});
