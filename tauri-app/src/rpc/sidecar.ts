import { Channel, invoke } from "@tauri-apps/api/core";
import { RpcError } from "./error";
import type { Methods, Notifications as SidecarNotifications } from "./gen/protocol";
import type { ShellNotifications } from "./shell";

type Notifications = SidecarNotifications & ShellNotifications;
export type MethodName = keyof Methods;
export type NotificationName = keyof Notifications;

/** A notification as the shell relays it. */
export type NotificationMessage = {
  [Name in NotificationName]: { method: Name; params: Notifications[Name] };
}[NotificationName];

type Listener<Name extends NotificationName> = (params: Notifications[Name]) => void;

export interface CallOptions {
  /** Cancels the request; the call then rejects with the signal's reason at once. */
  signal?: AbortSignal | undefined;
  /** Receives what the sidecar notifies for this request. */
  onNotification?: (notification: NotificationMessage) => void;
}

/** The sidecar as the window sees it: calls, and notifications that belong to no call. */
export class Sidecar {
  readonly #listeners = new Map<string, Set<(params: never) => void>>();
  #connection: Promise<void> | undefined;

  /** Asks the shell for notifications. Await it before reading a state, so that no change falls in between. */
  connect(): Promise<void> {
    this.#connection ??= this.#subscribe().catch((cause: unknown) => {
      this.#connection = undefined;
      throw RpcError.from(cause);
    });
    return this.#connection;
  }

  async #subscribe(): Promise<void> {
    const onEvent = new Channel<NotificationMessage>();
    onEvent.onmessage = ({ method, params }) => {
      for (const listener of this.#listeners.get(method) ?? []) {
        listener(params as never);
      }
    };
    await invoke("rpc_subscribe", { onEvent });
  }

  /** Listens to one kind of notification; the function that comes back stops that. */
  on<Name extends NotificationName>(method: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws {RpcError} when the request fails; the signal's reason when that was aborted.
   */
  async call<Name extends MethodName>(
    method: Name,
    params: Methods[Name]["params"],
    { signal, onNotification }: CallOptions = {},
  ): Promise<Methods[Name]["result"]> {
    signal?.throwIfAborted();
    const requestId = crypto.randomUUID();
    const onEvent = new Channel<NotificationMessage>();
    onEvent.onmessage = (notification) => {
      if (!signal?.aborted) {
        onNotification?.(notification);
      }
    };
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => {
      // Whether the cancel arrives changes nothing here: the answer, if one comes, is not looked at.
      invoke("rpc_cancel", { requestId }).catch(() => undefined);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const answer = invoke<Methods[Name]["result"]>("rpc_call", { requestId, method, params, onEvent });
      return await Promise.race([answer, aborted]);
    } catch (cause) {
      throw signal?.aborted ? signal.reason : RpcError.from(cause);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }
}
