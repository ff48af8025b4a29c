import { expect, test } from "vitest";
import { RpcError } from "@/rpc/error";
import type { ModelStatus } from "@/rpc/gen/protocol";
import {
  type BuiltinEvent,
  type BuiltinState,
  FIRST_STATE,
  nextBuiltinState,
} from "@/settings/builtin-state";
import { downloadEvent, MODEL, modelStatus, READY } from "../shell/sidecar";

const read = (status = modelStatus(READY)): BuiltinEvent => ({ type: "read", model: MODEL, status });
const after = (...events: BuiltinEvent[]): BuiltinState => events.reduce(nextBuiltinState, FIRST_STATE);
const failed = (kind: string): BuiltinEvent => ({
  type: "ended",
  event: downloadEvent({ status: "failed", kind }),
});
const completed: BuiltinEvent = { type: "ended", event: downloadEvent({ status: "completed" }) };
const verify: BuiltinEvent = { type: "asked", kind: "verify" };
const verified: BuiltinEvent = { type: "answered", request: "verify", status: modelStatus(READY) };

test("a check ends well whichever comes first, its answer or its last event", () => {
  expect(after(read(), verify, completed, verified)).toMatchObject({ work: null, outcome: "verified" });
  expect(after(read(), verify, verified, completed)).toMatchObject({ work: null, outcome: "verified" });
});

test("a check that was stopped says so, in either order", () => {
  const stop: BuiltinEvent = { type: "cancel-asked" };
  expect(after(read(), verify, stop, failed("cancelled"), verified).outcome).toBe("stopped");
  expect(after(read(), verify, stop, verified, failed("cancelled")).outcome).toBe("stopped");
});

test("damage that a check found is told by the status and not as a failed download", () => {
  const status = modelStatus({ state: "damaged", kind: "file_damaged" });
  const state = after(read(), verify, failed("file_damaged"), {
    type: "answered",
    request: "verify",
    status,
  });
  expect(state).toMatchObject({ work: null, outcome: null, error: null, status: { state: "damaged" } });
});

test("progress is that of what was asked for", () => {
  const state = after(read(), verify, { type: "progressed", event: downloadEvent({ progress: 40 }) });
  expect(state.work).toMatchObject({ kind: "verify", percent: 40 });
});

test("what already runs when the page opens is taken up", () => {
  const kindOf = (status: Partial<ModelStatus>) => after(read(modelStatus(status))).work?.kind;
  expect(kindOf({ state: "verifying", activity: "verifying" })).toBe("verify");
  expect(kindOf({ state: "downloading", activity: "downloading" })).toBe("download");
  expect(kindOf({ state: "verifying", activity: "downloading" })).toBe("download");
  expect(kindOf({ state: "downloading", activity: "importing" })).toBe("import");
});

test("a download goes on after its answer, and its failure says why", () => {
  const asked: BuiltinEvent = { type: "asked", kind: "download" };
  const status = modelStatus({ state: "downloading", activity: "downloading" });
  const running = after(read(modelStatus()), asked, { type: "answered", request: "download", status });
  expect(running.work?.kind).toBe("download");
  expect(nextBuiltinState(running, failed("mirror_unreachable")).error?.kind).toBe("mirror_unreachable");
  expect(nextBuiltinState(running, failed("cancelled")).error).toBeNull();
});

test("a download beside an earlier revision goes on after its answer, though that is ready", () => {
  const asked: BuiltinEvent = { type: "asked", kind: "download" };
  const status = modelStatus({ ...READY, activity: "downloading" });
  const running = after(read(), asked, { type: "answered", request: "download", status });
  expect(running.work?.kind).toBe("download");
  expect(after(read(status)).work?.kind).toBe("download");
  const there = modelStatus(READY);
  expect(after(read(), asked, { type: "answered", request: "download", status: there }).work).toBeNull();
});

test("a refusal ends what was begun, and the next attempt forgets it", () => {
  const refused: BuiltinEvent = { type: "refused", error: new RpcError("model_in_use") };
  expect(after(read(), verify, refused)).toMatchObject({ work: null, error: { kind: "model_in_use" } });
  expect(after(read(), verify, refused, verify).error).toBeNull();
});

test("what runs no more when the state is read again is not shown any longer", () => {
  const event = downloadEvent({ progress: 40 });
  const running = after(read(modelStatus({ state: "downloading", activity: "downloading" })), {
    type: "progressed",
    event,
  });
  expect(nextBuiltinState(running, read(modelStatus({ state: "partial" }))).work).toBeNull();
  const still = modelStatus({ state: "downloading", activity: "downloading" });
  expect(nextBuiltinState(running, read(still)).work?.percent).toBe(40);
  const checked = modelStatus({ state: "verifying", activity: "verifying" });
  expect(nextBuiltinState(running, read(checked)).work).toMatchObject({ kind: "verify", percent: null });
});

test("a state that was read before what was just asked for does not end it", () => {
  const asked: BuiltinEvent = { type: "asked", kind: "download" };
  const begun = modelStatus({ state: "downloading", activity: "downloading" });
  const state = after(read(modelStatus()), asked, read(modelStatus()));
  expect(state.work?.kind).toBe("download");
  const answered = nextBuiltinState(state, { type: "answered", request: "download", status: begun });
  expect(answered.work?.kind).toBe("download");
  expect(nextBuiltinState(answered, read(modelStatus())).work).toBeNull();
});
