import { describe, expect, test } from "vitest";
import { RpcError } from "@/rpc/error";
import type { ModelStatus } from "@/rpc/gen/protocol";
import type { EnvironmentState, SidecarState } from "@/rpc/shell";
import { FIRST_STAGE, isTroubled, nextStage, type Stage, type StageEvent, stepOf } from "@/splash/stage";
import { ENVIRONMENT } from "../shell/replay";
import { downloadEvent, failure, MODEL, modelStatus } from "../shell/sidecar";

const error = (kind: string) => new RpcError(kind);

const checked = (status: Partial<ModelStatus>, needed = true): StageEvent => ({
  type: "checked",
  needed,
  model: MODEL,
  status: modelStatus(status),
  error: error(status.kind ?? "file_damaged"),
});

const environment = (part: Partial<EnvironmentState>): StageEvent => ({
  type: "environment-changed",
  environment: { ...ENVIRONMENT, ...part },
});

const sidecar = (state: SidecarState): StageEvent => ({ type: "sidecar-changed", sidecar: state });

const DOWN = { state: "down", error: failure("sidecar_unavailable", true) } as const;

/** What happens after the sidecar has become ready. */
const play = (...events: StageEvent[]): Stage =>
  [sidecar({ state: "ready" }), ...events].reduce(nextStage, FIRST_STAGE);

/** What happens from the first moment on. */
const launch = (...events: StageEvent[]): Stage => events.reduce(nextStage, FIRST_STAGE);

const granted: StageEvent = { type: "access-answered", granted: true };
const denied: StageEvent = { type: "access-answered", granted: false };

const asked: StageEvent = { type: "download-asked", mirror: "https://hf-mirror.com" };

describe("after the check", () => {
  test("a model on disk leads to the disk access", () => {
    expect(play(checked({ state: "ready" }))).toMatchObject({ name: "access", model: MODEL });
  });

  test.each(["absent", "partial"] as const)("a model that is %s asks for consent", (state) => {
    expect(play(checked({ state, downloadedBytes: 5 }))).toMatchObject({ name: "consent", doneBytes: 5 });
  });

  test.each(["absent", "partial", "failed", "damaged"] as const)(
    "a model that is %s is not asked for once other models have its four jobs",
    (state) => {
      expect(play(checked({ state }, false))).toMatchObject({ name: "access", model: MODEL });
    },
  );

  test("a download that runs already is shown where it is", () => {
    const mirror = "https://hf-mirror.com";
    const stage = play(
      checked({ state: "downloading", activity: "downloading", mirror, downloadedBytes: 1_300_000_000 }),
    );
    expect(stage).toMatchObject({
      name: "downloading",
      from: { mirror },
      transfer: { percent: 50, starting: false },
    });
  });

  test("an import that runs already is one", () => {
    const stage = play(checked({ state: "downloading", activity: "importing" }));
    expect(stage).toMatchObject({ name: "downloading", from: "folder" });
  });

  test("a model that is being verified is shown as that", () => {
    const stage = play(checked({ state: "verifying", activity: "verifying" }));
    expect(stage).toMatchObject({ from: "disk", transfer: { verifying: true } });
  });

  test("a download that failed meanwhile says why, and keeps its mirror", () => {
    const stage = play(checked({ state: "failed", kind: "mirror_failed", mirror: "https://hf-mirror.com" }));
    expect(stage).toMatchObject({
      name: "error",
      error: { kind: "mirror_failed" },
      mirror: "https://hf-mirror.com",
    });
  });

  test("a part of a model is continued from where it came from", () => {
    const stage = play(checked({ state: "partial", mirror: "https://hf-mirror.com" }));
    expect(stage).toMatchObject({ name: "consent", mirror: "https://hf-mirror.com" });
  });

  test("a damaged model is an error that a download can mend", () => {
    const stage = play(checked({ state: "damaged", kind: "file_damaged" }));
    expect(stage).toMatchObject({ name: "error", error: { kind: "file_damaged" }, model: MODEL });
  });

  test("a sidecar that cannot be asked is an error without a model", () => {
    const stage = play({ type: "check-failed", error: error("sidecar_unavailable") });
    expect(stage).toMatchObject({ name: "error", model: null });
  });
});

describe("a download", () => {
  test("starts from the chosen mirror and from what is on disk", () => {
    const stage = play(checked({ state: "partial", downloadedBytes: 1_300_000_000 }), asked);
    expect(stage).toMatchObject({
      name: "downloading",
      from: { mirror: "https://hf-mirror.com" },
      transfer: { starting: true, percent: 50 },
    });
  });

  test("shows what its events tell", () => {
    const stage = play(checked({}), asked, { type: "progressed", event: downloadEvent() });
    expect(stage).toMatchObject({
      transfer: { percent: 46.2, doneBytes: 1_200_000_000, speed: 18.4, secondsLeft: 76, starting: false },
    });
  });

  test("is verifying when every byte is here", () => {
    const event = downloadEvent({ progress: 99, downloaded_bytes: 2_600_000_000, verifying: true });
    expect(play(checked({}), asked, { type: "progressed", event })).toMatchObject({
      transfer: { verifying: true },
    });
  });

  test("that is taken up by another sidecar shows what there was until that one says what there is", () => {
    const again = play(checked({}), asked, { type: "progressed", event: downloadEvent() }, asked);
    expect(again).toMatchObject({
      transfer: { percent: 46.2, doneBytes: 1_200_000_000, totalBytes: 2_600_000_000, starting: true },
    });
    const status = modelStatus({ state: "downloading", downloadedBytes: 1_300_000_000 });
    expect(nextStage(again, { type: "download-answered", status })).toMatchObject({
      transfer: { percent: 50, doneBytes: 1_300_000_000, starting: true },
    });
  });

  test("takes no notice of another model's events", () => {
    const before = play(checked({}), asked);
    const event = downloadEvent({ model_id: "another" });
    expect(nextStage(before, { type: "progressed", event })).toBe(before);
    expect(nextStage(before, { type: "completed", event })).toBe(before);
  });

  test("that is answered late does not go back behind its events", () => {
    const events: StageEvent[] = [checked({}), asked, { type: "progressed", event: downloadEvent() }];
    const stage = play(...events, {
      type: "download-answered",
      status: modelStatus({ state: "downloading" }),
    });
    expect(stage).toMatchObject({ transfer: { percent: 46.2 } });
  });

  test("that joins another has that one's mirror", () => {
    const status = modelStatus({
      state: "downloading",
      activity: "downloading",
      mirror: "https://huggingface.co",
    });
    expect(play(checked({}), asked, { type: "download-answered", status })).toMatchObject({
      from: { mirror: "https://huggingface.co" },
    });
  });

  test("that the sidecar leaves behind while it is being cancelled is not taken up again", () => {
    expect(play(checked({}), asked, { type: "cancel-asked" }, { type: "cut-off" })).toMatchObject({
      name: "checking",
    });
  });

  test("of a model that is complete already goes on", () => {
    const answered: StageEvent = { type: "download-answered", status: modelStatus({ state: "ready" }) };
    expect(play(checked({}), asked, answered)).toMatchObject({ name: "access" });
  });

  test("that completes goes on", () => {
    const event = downloadEvent({ status: "completed", progress: 100 });
    expect(play(checked({}), asked, { type: "completed", event })).toMatchObject({ name: "access" });
  });

  test("that fails keeps the mirror for the next attempt", () => {
    const event = downloadEvent({ status: "failed" });
    const stage = play(checked({}), asked, { type: "failed", event, error: error("mirror_failed") });
    expect(stage).toMatchObject({
      name: "error",
      error: { kind: "mirror_failed" },
      mirror: "https://hf-mirror.com",
    });
  });

  test("that was cancelled asks for consent again and knows what is on disk", () => {
    const event = downloadEvent({ status: "failed", downloaded_bytes: 2_600_000_000 });
    const cancelled: StageEvent = { type: "failed", event, error: error("cancelled") };
    const status = modelStatus({ state: "partial", downloadedBytes: 1_200_000_000 });
    const stage = play(checked({}), asked, { type: "cancel-asked" }, cancelled, {
      type: "cancel-answered",
      status,
    });
    expect(play(checked({}), asked, cancelled)).toMatchObject({ name: "checking" });
    expect(stage).toMatchObject({
      name: "consent",
      doneBytes: 1_200_000_000,
      mirror: "https://hf-mirror.com",
    });
  });

  test("that ended before it could be cancelled goes on", () => {
    const answered: StageEvent = { type: "cancel-answered", status: modelStatus({ state: "ready" }) };
    expect(play(checked({}), asked, { type: "cancel-asked" }, answered)).toMatchObject({ name: "access" });
  });

  test("that was cancelled while something else began is looked at", () => {
    const status = modelStatus({ state: "downloading", activity: "downloading" });
    const answered: StageEvent = { type: "cancel-answered", status };
    expect(play(checked({}), asked, { type: "cancel-asked" }, answered)).toMatchObject({ name: "checking" });
  });
});

describe("the environment", () => {
  test("is the first step, and done when the shell says so", () => {
    expect(stepOf(FIRST_STAGE)).toBe("environment");
    expect(launch(environment({ state: "ready" }))).toEqual({ name: "engine", slow: false });
  });

  test.each(["checking", "syncing"] as const)("that is %s is waited for", (state) => {
    const stage = launch(environment({ state, source: "https://pypi.org/simple", bytes: 5 }));
    expect(stage).toMatchObject({ name: "environment", environment: { state, bytes: 5 } });
    expect(isTroubled(stage)).toBe(false);
  });

  test.each(["slow", "failed"] as const)("that is %s shows what uv says", (state) => {
    expect(isTroubled(launch(environment({ state })))).toBe(true);
  });

  test("that is tried again and succeeds goes on", () => {
    const stage = launch(
      environment({ state: "failed", error: failure("environment_no_network") }),
      environment({ state: "checking" }),
      environment({ state: "ready" }),
    );
    expect(stage).toMatchObject({ name: "engine" });
  });

  test("is there when the sidecar runs, whichever is heard of first", () => {
    expect(launch(sidecar({ state: "ready" }))).toMatchObject({ name: "checking" });
    expect(launch(sidecar({ state: "ready" }), environment({ state: "ready" }))).toMatchObject({
      name: "checking",
    });
  });

  test("is waited for while the sidecar waits for it", () => {
    expect(launch(sidecar({ state: "starting" }))).toBe(FIRST_STAGE);
  });
});

test("a check that is slow begins anew when it is asked for", () => {
  const slow = launch(sidecar({ state: "ready" }), { type: "slowed" });
  expect(slow).toEqual({ name: "checking", slow: true });
  expect(nextStage(slow, { type: "check-started" })).toEqual({ name: "checking", slow: false });
});

describe("the environment that was slow or failed once", () => {
  test.each(["slow", "failed"] as const)("(%s) stays troubled until it is ready", (state) => {
    const stage = launch(environment({ state }), environment({ state: "syncing" }));
    expect(isTroubled(stage)).toBe(true);
    expect(nextStage(stage, environment({ state: "ready" }))).toMatchObject({ name: "engine" });
  });
});

describe("the engine", () => {
  const starting = [environment({ state: "ready" }), sidecar({ state: "starting" })];

  test("that is slow or failed waits anew when it is started again", () => {
    const down = sidecar({ state: "down", error: failure("sidecar_unavailable", true) });
    for (const before of [{ type: "slowed" } as const, down]) {
      const stage = launch(...starting, before, { type: "engine-restarted" });
      expect(stage).toEqual({ name: "engine", slow: false });
    }
    expect(play(checked({}), { type: "engine-restarted" })).toMatchObject({ name: "consent" });
  });

  test("whose environment turns out damaged goes back to that and comes again", () => {
    const down = sidecar({ state: "down", error: failure("sidecar_unavailable", true) });
    for (const before of [starting, [...starting, down]]) {
      const stage = launch(...before, environment({ state: "checking" }), environment({ state: "syncing" }));
      expect(stage).toMatchObject({
        name: "environment",
        troubled: false,
        environment: { state: "syncing" },
      });
      expect(nextStage(stage, environment({ state: "ready" }))).toEqual({ name: "engine", slow: false });
    }
  });

  test("that takes longer than it ever should says so", () => {
    const stage = launch(...starting, { type: "slowed" });
    expect(stage).toEqual({ name: "engine", slow: true });
    expect(isTroubled(stage)).toBe(true);
  });

  test("that starts after all goes on", () => {
    const stage = launch(...starting, { type: "slowed" }, sidecar({ state: "ready" }));
    expect(stage).toEqual({ name: "checking", slow: false });
  });

  test("that does not start is an error of this step", () => {
    const stage = launch(...starting, sidecar(DOWN));
    expect(stage).toMatchObject({ name: "error", step: "engine", error: { kind: "sidecar_unavailable" } });
    expect(isTroubled(stage)).toBe(true);
  });

  test("that is tried again is waited for, and goes on by itself", () => {
    const again = launch(
      ...starting,
      sidecar(DOWN),
      { type: "check-started" },
      sidecar({ state: "starting" }),
    );
    expect(again).toMatchObject({ name: "engine" });
    expect(nextStage(again, sidecar({ state: "ready" }))).toMatchObject({ name: "checking" });
  });

  test("that recovers by itself takes its error away", () => {
    expect(launch(...starting, sidecar(DOWN), sidecar({ state: "ready" }))).toMatchObject({
      name: "checking",
    });
  });

  test("that is restarted while the model is checked is waited for", () => {
    expect(play(sidecar({ state: "starting" }))).toMatchObject({ name: "engine" });
  });

  test("whose shell cannot be heard is an error", () => {
    const stage = launch({ type: "launch-failed", error: error("unknown") });
    expect(stage).toMatchObject({ name: "error", step: "engine" });
  });

  test("that stops because the app is leaving changes nothing", () => {
    expect(launch(sidecar({ state: "stopped" }))).toBe(FIRST_STAGE);
  });
});

describe("an import", () => {
  const imported: StageEvent = { type: "import-asked", folder: "/home/a/model" };

  test("is shown as what it is", () => {
    const stage = play(checked({}), imported);
    expect(stage).toMatchObject({ name: "downloading", from: "folder" });
    expect(stepOf(stage)).toBe("model");
  });

  test("that completes goes on", () => {
    const event = downloadEvent({ status: "completed", progress: 100 });
    expect(play(checked({}), imported, { type: "completed", event })).toMatchObject({ name: "access" });
  });

  test("that is refused asks for consent again and says why", () => {
    const refused: StageEvent = { type: "download-refused", error: error("import_refused") };
    expect(play(checked({}), imported, refused)).toMatchObject({
      name: "consent",
      refusal: { kind: "import_refused" },
      totalBytes: MODEL.totalBytes,
    });
  });

  test("that the sidecar leaves behind asks for consent again and says why", () => {
    expect(play(checked({}), imported, { type: "cut-off" })).toMatchObject({
      name: "consent",
      refusal: { kind: "sidecar_restarted", details: { during: "import" } },
    });
  });

  test("that fails or is cancelled asks for consent again", () => {
    const event = downloadEvent({ status: "failed" });
    const failed = (kind: string): StageEvent => ({ type: "failed", event, error: error(kind) });
    const partly = checked({ state: "partial", downloadedBytes: 5, mirror: "https://hf-mirror.com" });
    expect(play(partly, imported, failed("disk_full"))).toMatchObject({
      refusal: { kind: "disk_full" },
      doneBytes: 5,
      mirror: "https://hf-mirror.com",
    });
    const status = modelStatus({ state: "partial", downloadedBytes: 5 });
    const ended: StageEvent = { type: "cancel-answered", status };
    expect(play(partly, imported, { type: "cancel-asked" }, failed("cancelled"), ended)).toMatchObject({
      name: "consent",
      doneBytes: 5,
      refusal: null,
    });
  });
});

describe("the disk access", () => {
  const here = checked({ state: "ready" });

  test("that is granted leads to the scan", () => {
    expect(play(here, granted)).toMatchObject({ name: "scanning", model: MODEL });
  });

  test("that is denied can be checked again, and then be there", () => {
    const stage = play(here, denied);
    expect(stage).toMatchObject({ name: "access", denied: true });
    expect(play(here, denied, { type: "access-asked" })).toMatchObject({ denied: false });
    expect(play(here, denied, { type: "access-asked" }, granted)).toMatchObject({ name: "scanning" });
  });

  test("can wait", () => {
    expect(play(here, denied, { type: "access-postponed" })).toMatchObject({ name: "scanning" });
  });

  test("that cannot be told for long says so, and can be passed by", () => {
    const slow = play(here, { type: "slowed" });
    expect(isTroubled(slow)).toBe(true);
    expect(nextStage(slow, { type: "access-postponed" })).toMatchObject({ name: "scanning", slow: false });
  });
});

describe("the file scan", () => {
  const begun = [checked({ state: "ready" }), granted];

  test("that has begun opens the main window", () => {
    expect(play(...begun, { type: "scanned" })).toEqual({ name: "ready", model: MODEL });
  });

  test("that fails is an error of this step, and can be tried again or left out", () => {
    const failed: StageEvent = { type: "scan-failed", error: error("internal_error") };
    expect(play(...begun, failed)).toMatchObject({ name: "error", step: "scan", model: MODEL });
    expect(play(...begun, failed, { type: "scan-asked" })).toMatchObject({ name: "scanning" });
    expect(play(...begun, failed, { type: "scan-skipped" })).toMatchObject({ name: "ready" });
  });

  test("that takes long says so, and can be left out", () => {
    expect(isTroubled(play(...begun, { type: "slowed" }))).toBe(true);
    expect(play(...begun, { type: "slowed" }, { type: "scan-skipped" })).toMatchObject({ name: "ready" });
  });
});

test("a check that takes long says so", () => {
  expect(play({ type: "slowed" })).toEqual({ name: "checking", slow: true });
});

test("a sidecar that is lost is an error, but not once everything is there", () => {
  expect(play(checked({}), asked, sidecar(DOWN))).toMatchObject({ name: "error", step: "engine" });
  expect(play(checked({ state: "ready" }), granted, { type: "scanned" }, sidecar(DOWN))).toMatchObject({
    name: "ready",
  });
});

test("a window that missed something checks the model again, and nothing that does not need it", () => {
  expect(play(checked({}), { type: "notifications-lost" })).toMatchObject({ name: "checking" });
  expect(launch({ type: "notifications-lost" })).toBe(FIRST_STAGE);
});

test("events that come too late change nothing", () => {
  const consent = play(checked({}));
  for (const type of ["progressed", "completed"] as const) {
    expect(nextStage(consent, { type, event: downloadEvent() })).toBe(consent);
  }
  for (const event of [
    environment({ state: "slow" }),
    checked({ state: "ready" }),
    granted,
    { type: "access-postponed" },
    { type: "scanned" },
    { type: "scan-failed", error: error("unknown") },
    { type: "slowed" },
  ] satisfies StageEvent[]) {
    expect(nextStage(consent, event)).toBe(consent);
  }
});
