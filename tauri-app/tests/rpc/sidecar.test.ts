import { waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { RpcError } from "@/rpc/error";
import { Sidecar } from "@/rpc/sidecar";
import { ShellReplay } from "../shell/replay";
import { completion, engineStatus, failure, sendPiece, withModel } from "../shell/sidecar";

const REQUEST = { messages: [{ role: "user" as const, content: "hello" }] };

test("a call brings its result", async () => {
  const shell = new ShellReplay({ answers: withModel() });
  const { models } = await new Sidecar().call("models/list", {});
  expect(models[0]?.id).toBe("qwen3-vl-4b");
  expect(shell.calls("models/list")).toEqual([{}]);
});

test("every call has an id of its own", async () => {
  const shell = new ShellReplay({ answers: withModel() });
  const sidecar = new Sidecar();
  await sidecar.call("models/list", {});
  await sidecar.call("models/list", {});
  const ids = shell.commands("rpc_call").map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(2);
});

test("a failed call rejects with the kind, the details and whether to retry", async () => {
  new ShellReplay({
    answers: {
      "models/list": () => Promise.reject({ ...failure("model_not_ready", true), details: { modelId: "a" } }),
    },
  });
  const call = new Sidecar().call("models/list", {});
  await expect(call).rejects.toMatchObject({
    kind: "model_not_ready",
    retryable: true,
    details: { modelId: "a" },
  });
  await expect(call).rejects.toBeInstanceOf(RpcError);
});

test("what is no error object of the shell is an unknown error", () => {
  expect(RpcError.from("a string")).toMatchObject({ kind: "unknown", message: "a string" });
  expect(RpcError.from(new TypeError("oops"))).toMatchObject({ kind: "unknown", message: "oops" });
});

test("a call hears its own notifications in order", async () => {
  new ShellReplay({
    answers: {
      "chat/completions": (call) => {
        sendPiece(call, "red ");
        sendPiece(call, "circle");
        return completion("red circle");
      },
    },
  });
  const heard: string[] = [];
  await new Sidecar().call("chat/completions", REQUEST, {
    onNotification: (notification) => {
      if (notification.method === "chat/chunk") {
        heard.push(notification.params.chunk.choices[0]?.delta.content ?? "");
      }
    },
  });
  expect(heard).toEqual(["red ", "circle"]);
});

test("an aborted call is cancelled in the sidecar and rejects at once", async () => {
  const cancelled = vi.fn();
  const shell = new ShellReplay({
    answers: {
      "chat/completions": ({ signal }) => {
        signal.addEventListener("abort", cancelled);
        return new Promise<never>(() => undefined);
      },
    },
  });
  const stop = new AbortController();
  const call = new Sidecar().call("chat/completions", REQUEST, { signal: stop.signal });
  await waitFor(() => expect(shell.commands("rpc_call")).toHaveLength(1));
  stop.abort();
  await expect(call).rejects.toMatchObject({ name: "AbortError" });
  await waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
  expect(shell.commands("rpc_cancel")[0]?.requestId).toBe(shell.commands("rpc_call")[0]?.requestId);
});

test("a call with a signal that is aborted already is never sent", async () => {
  const shell = new ShellReplay({ answers: withModel() });
  const call = new Sidecar().call("models/list", {}, { signal: AbortSignal.abort() });
  await expect(call).rejects.toMatchObject({ name: "AbortError" });
  expect(shell.commands("rpc_call")).toEqual([]);
});

test("one subscription serves all listeners, until they stop listening", async () => {
  const shell = new ShellReplay({ answers: withModel() });
  const sidecar = new Sidecar();
  const [first, second] = [vi.fn(), vi.fn()];
  const stop = sidecar.on("engine/status", first);
  sidecar.on("engine/status", second);
  await Promise.all([sidecar.connect(), sidecar.connect()]);
  expect(shell.commands("rpc_subscribe")).toHaveLength(1);
  shell.notify({ method: "engine/status", params: engineStatus({ loading: true }) });
  stop();
  shell.notify({ method: "engine/status", params: engineStatus() });
  expect(first).toHaveBeenCalledTimes(1);
  expect(second).toHaveBeenCalledTimes(2);
});
