/** The shell, replaced at Tauri's IPC boundary: everything in the window above `invoke` and `Channel` is real. */
import type { Channel } from "@tauri-apps/api/core";
import { mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import type { Methods } from "@/rpc/gen/protocol";
import type {
  Attachment,
  Choices,
  EnvironmentState,
  ProxyState,
  ShellState,
  SidecarState,
} from "@/rpc/shell";
import type { MethodName, NotificationMessage } from "@/rpc/sidecar";

/** One call of the window, as the shell sees it. */
export interface Call<Name extends MethodName = MethodName> {
  requestId: string;
  method: Name;
  params: Methods[Name]["params"];
  /** Aborted when the window cancels the call. */
  signal: AbortSignal;
  /** Sends a notification that belongs to this call. */
  notify: (notification: NotificationMessage) => void;
  shell: ShellReplay;
}

export type Answers = {
  [Name in MethodName]?: (call: Call<Name>) => Methods[Name]["result"] | Promise<Methods[Name]["result"]>;
};

export interface Script {
  preferences?: Partial<ShellState>;
  answers: Answers;
  sidecar?: SidecarState;
  environment?: Partial<EnvironmentState>;
  /** What a command answers, or throws, that needs no replay of its own. */
  commands?: Record<string, (args: Arguments) => unknown>;
  pick?: () => Attachment[] | Promise<Attachment[]>;
  attachPaths?: (paths: string[]) => Attachment[] | Promise<Attachment[]>;
  attachBytes?: (bytes: Uint8Array, name: string) => Attachment | Promise<Attachment>;
  attachmentBytes?: (url: string) => ArrayBuffer | Promise<ArrayBuffer>;
}

type Arguments = Record<string, unknown>;

export const ENVIRONMENT: EnvironmentState = {
  state: "ready",
  own: true,
  lines: [],
  source: null,
  bytes: null,
  mirrors: { index: null, python: null },
  error: null,
};

export const PROXY_OFF: ProxyState = {
  on: false,
  port: 60315,
  socket: false,
  origins: [],
  address: null,
  error: null,
  tokenEnd: null,
  tokenKept: false,
};

export class ShellReplay {
  /** Every command that the window has invoked, in order. */
  readonly invoked: { command: string; args: Arguments }[] = [];
  readonly #script: Script;
  readonly #running = new Map<string, AbortController>();
  #subscription: ((message: unknown) => void) | undefined;
  #listeners = new Map<string, number>();
  #state: ShellState;

  constructor(script: Script) {
    this.#script = script;
    this.#state = {
      version: "0.1.0",
      language: "en",
      systemLanguage: "en",
      theme: "system",
      chatsHidden: false,
      hideOnClose: false,
      dataDir: "/home/a/.local/share/knowledge-focus",
      sidecar: script.sidecar ?? { state: "ready" },
      environment: { ...ENVIRONMENT, ...script.environment },
      ...script.preferences,
    };
    mockWindows("main");
    mockIPC((command, payload) => this.#invoke(command, payload as Arguments));
  }

  /** What the window has asked of the sidecar so far. */
  calls(method: MethodName): Arguments[] {
    return this.invoked
      .filter(({ command, args }) => command === "rpc_call" && args.method === method)
      .map(({ args }) => args.params as Arguments);
  }

  commands(name: string): Arguments[] {
    return this.invoked.filter(({ command }) => command === name).map(({ args }) => args);
  }

  notify(notification: NotificationMessage): void {
    if (notification.method === "shell/sidecar") {
      this.#state = { ...this.#state, sidecar: notification.params };
    } else if (notification.method === "shell/environment") {
      this.#state = { ...this.#state, environment: notification.params };
    }
    this.#subscription?.(notification);
  }

  /** Files of the system are dragged onto the window, or dropped on it. */
  drag(type: "enter" | "over" | "drop" | "leave", paths: string[]): void {
    const handler = this.#listeners.get(`tauri://drag-${type}`);
    const payload = { paths, position: { x: 0, y: 0 } };
    internals().runCallback(handler, { event: `tauri://drag-${type}`, id: handler, payload });
  }

  async #invoke(command: string, args: Arguments): Promise<unknown> {
    this.invoked.push({ command, args });
    switch (command) {
      case "rpc_call":
        return this.#answer(args);
      case "rpc_cancel":
        this.#running.get(args.requestId as string)?.abort();
        return null;
      case "rpc_subscribe":
        this.#subscription = sender(args.onEvent as Channel);
        this.#subscription({ method: "shell/sidecar", params: this.#state.sidecar });
        this.#subscription({ method: "shell/environment", params: this.#state.environment });
        return null;
      case "shell_state":
        return this.#state;
      case "shell_set":
        this.#state = { ...this.#state, ...(args.change as Partial<Choices>) };
        return this.#state;
      case "pick_pictures":
        return this.#script.pick?.() ?? [];
      case "attach_paths":
        return this.#script.attachPaths?.(args.paths as string[]) ?? [];
      case "attach_bytes":
        return this.#script.attachBytes?.(args as unknown as Uint8Array, "pasted.png");
      case "attachment_bytes":
        if (!this.#script.attachmentBytes) {
          throw { kind: "invalid_image", retryable: false, message: "not in this script", details: {} };
        }
        return this.#script.attachmentBytes(args.url as string);
      case "open_link":
      case "disk_access":
        return this.#script.commands?.[command]?.(args) ?? true;
      case "diagnostics":
        return this.#script.commands?.[command]?.(args) ?? `Knowledge Focus 0.1.0\n${args.lines}`;
      case "storage_outside":
        return this.#script.commands?.[command]?.(args) ?? [];
      case "proxy_state":
      case "proxy_set":
      case "proxy_renew_token":
        return this.#script.commands?.[command]?.(args) ?? PROXY_OFF;
      case "update_check":
      case "update_fetch":
      case "update_cancel":
      case "proxy_copy_token":
      case "erase_everything":
      case "export_diagnostics":
      case "pick_folder":
      case "disk_access_settings":
      case "environment_retry":
      case "environment_cancel":
      case "environment_repair":
      case "engine_restart":
      case "secret_set":
      case "secret_delete":
        return this.#script.commands?.[command]?.(args) ?? null;
      case "plugin:event|listen":
        this.#listeners.set(args.event as string, args.handler as number);
        return args.handler;
      case "plugin:event|unlisten":
        return null;
      default:
        throw new Error(`the shell has no command ${command}`);
    }
  }

  async #answer(args: Arguments): Promise<unknown> {
    const { requestId, method, params, onEvent } = args as Pick<Call, "requestId" | "method" | "params"> & {
      onEvent: Channel;
    };
    const answer = this.#script.answers[method] as ((call: Call) => unknown) | undefined;
    if (!answer) {
      throw { kind: "method_not_found", retryable: false, message: method, details: {} };
    }
    const cancel = new AbortController();
    this.#running.set(requestId, cancel);
    try {
      return await answer({
        requestId,
        method,
        params,
        signal: cancel.signal,
        notify: sender(onEvent),
        shell: this,
      });
    } finally {
      this.#running.delete(requestId);
    }
  }
}

type Internals = { runCallback: (id: number | undefined, message: unknown) => void };

function internals(): Internals {
  return (window as unknown as { __TAURI_INTERNALS__: Internals }).__TAURI_INTERNALS__;
}

/** Delivers as Tauri does: numbered messages to the channel's callback. */
function sender(channel: Channel): (message: unknown) => void {
  let index = 0;
  return (message) => {
    internals().runCallback(channel.id, { index, message });
    index += 1;
  };
}
