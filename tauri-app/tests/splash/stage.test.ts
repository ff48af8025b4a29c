import { describe, expect, test } from "vitest";
import { RpcError } from "@/rpc/error";
import type { ModelStatus } from "@/rpc/gen/protocol";
import { FIRST_STAGE, nextStage, type Stage, type StageEvent } from "@/splash/stage";
import { downloadEvent, MODEL, modelStatus } from "../shell/sidecar";

const error = (kind: string) => new RpcError(kind);

const checked = (status: Partial<ModelStatus>): StageEvent => ({
  type: "checked",
  model: MODEL,
  status: modelStatus(status),
  error: error(status.kind ?? "file_damaged"),
});

const play = (...events: StageEvent[]): Stage => events.reduce(nextStage, FIRST_STAGE);

const asked: StageEvent = { type: "download-asked", mirror: "https://hf-mirror.com" };

describe("after the check", () => {
  test("a model on disk is ready", () => {
    expect(play(checked({ state: "ready" }))).toMatchObject({ name: "ready" });
  });

  test.each(["absent", "partial", "failed"] as const)("a model that is %s asks for consent", (state) => {
    expect(play(checked({ state, downloadedBytes: 5 }))).toMatchObject({ name: "consent", doneBytes: 5 });
  });

  test("a download that runs already is shown where it is", () => {
    const stage = play(checked({ state: "downloading", downloadedBytes: 1_300_000_000 }));
    expect(stage).toMatchObject({ name: "downloading", transfer: { percent: 50, starting: false } });
  });

  test("a model that is being verified is shown as that", () => {
    expect(play(checked({ state: "verifying" }))).toMatchObject({ transfer: { verifying: true } });
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
      mirror: "https://hf-mirror.com",
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
    const event = downloadEvent({ progress: 99, downloaded_bytes: 2_600_000_000 });
    expect(play(checked({}), asked, { type: "progressed", event })).toMatchObject({
      transfer: { verifying: true },
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

  test("of a model that is complete already is ready", () => {
    const answered: StageEvent = { type: "download-answered", status: modelStatus({ state: "ready" }) };
    expect(play(checked({}), asked, answered)).toMatchObject({ name: "ready" });
  });

  test("that completes is ready", () => {
    const event = downloadEvent({ status: "completed", progress: 100 });
    expect(play(checked({}), asked, { type: "completed", event })).toMatchObject({ name: "ready" });
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
    const event = downloadEvent({ status: "failed" });
    const stage = play(
      checked({}),
      asked,
      { type: "cancel-asked" },
      { type: "failed", event, error: error("cancelled") },
    );
    expect(stage).toMatchObject({ name: "consent", doneBytes: 1_200_000_000 });
  });

  test("that ended before it could be cancelled is ready", () => {
    const answered: StageEvent = { type: "cancel-answered", status: modelStatus({ state: "ready" }) };
    expect(play(checked({}), asked, { type: "cancel-asked" }, answered)).toMatchObject({ name: "ready" });
  });
});

test("a sidecar that is lost is an error, but not for a model that is ready", () => {
  const lost: StageEvent = { type: "sidecar-lost", error: error("sidecar_unavailable") };
  expect(play(checked({}), asked, lost)).toMatchObject({ name: "error" });
  expect(play(checked({ state: "ready" }), lost)).toMatchObject({ name: "ready" });
});

test("events that come too late change nothing", () => {
  const consent = play(checked({}));
  for (const type of ["progressed", "completed"] as const) {
    expect(nextStage(consent, { type, event: downloadEvent() })).toBe(consent);
  }
});
