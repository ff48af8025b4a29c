/** The shell's own commands: what is needed before or without the sidecar, and what only the system can do. */
import { Channel, type InvokeArgs, type InvokeOptions, invoke } from "@tauri-apps/api/core";
import type { Language } from "@/i18n";
import { RpcError } from "./error";

export const LANGUAGE_CHOICES = ["system", "en", "zh"] as const;
export const THEME_CHOICES = ["system", "light", "dark"] as const;
export type LanguageChoice = (typeof LANGUAGE_CHOICES)[number];
export type ThemeChoice = (typeof THEME_CHOICES)[number];

/** What the person chose, kept by the shell. */
export interface Choices {
  language: LanguageChoice;
  theme: ThemeChoice;
  /** Whether the list of chats is put away, where there is room for it. */
  chatsHidden: boolean;
  /** Whether the app goes on when its window is closed. */
  hideOnClose: boolean;
}

/** The choices, and what "system" means here: the language of the shell's own dialogs. */
export interface KnownChoices extends Choices {
  systemLanguage: Language;
}

export interface ShellState extends KnownChoices {
  /** Of the app. */
  version: string;
  /** Where the app keeps everything. */
  dataDir: string;
  sidecar: SidecarState;
  environment: EnvironmentState;
}

/** A picture in the data folder. */
export interface Attachment {
  /** `attachment:<sha256>`: how a message names it. */
  url: string;
  /** The file's name where it came from. */
  name: string;
  /** Bytes. */
  size: number;
  mime: string;
}

/** An error that is part of a state. One that a command fails with is an {@link RpcError}. */
export interface ShellError {
  kind: string;
  retryable: boolean;
  message: string;
  details: Record<string, unknown>;
}

/** Where the sidecar stands, as the shell sees it. */
export type SidecarState = { state: "starting" | "ready" | "stopped" } | { state: "down"; error: ShellError };

/** Where packages and interpreters are fetched from instead of where they usually are. */
export interface Mirrors {
  index: string | null;
  python: string | null;
}

/** What stands in the fields for them. */
export type Typed = { [Name in keyof Mirrors]: string };

/** Where the sidecar's Python environment stands, which comes before the sidecar. */
export interface EnvironmentState {
  /** `slow`: nothing was heard of it for 30 s. */
  state: "checking" | "syncing" | "slow" | "ready" | "failed";
  /** Whether this app makes it, and can make it anew; a source checkout's it cannot. */
  own: boolean;
  /** What uv said last. */
  lines: string[];
  /** Where packages are fetched from; null where the app came with them. */
  source: string | null;
  bytes: number | null;
  /** The addresses that this attempt goes by, typed in or set for uv. */
  mirrors: Mirrors;
  error: ShellError | null;
}

/** What the shell itself notifies, beside the sidecar's notifications. */
export interface ShellNotifications {
  /** At once when the window subscribes, then at each change. */
  "shell/sidecar": SidecarState;
  /** At once when the window subscribes, then at each change. */
  "shell/environment": EnvironmentState;
  /** The window fell behind and missed some: states must be read again. */
  "shell/notificationsLost": unknown;
}

async function command<Result>(name: string, args?: InvokeArgs, options?: InvokeOptions): Promise<Result> {
  try {
    return await invoke<Result>(name, args, options);
  } catch (cause) {
    throw RpcError.from(cause);
  }
}

export const shellState = () => command<ShellState>("shell_state");

export const shellSet = (change: Partial<Choices>) => command<ShellState>("shell_set", { change });

/** Lets the person choose pictures in the system's dialog; none chosen is an empty list. */
export const pickPictures = () => command<Attachment[]>("pick_pictures");

/** Keeps files that were dropped on this window. */
export const attachPaths = (paths: string[]) => command<Attachment[]>("attach_paths", { paths });

/** Keeps a picture that has no path of its own: pasted, or dropped from another program. */
export async function attachFile(file: File): Promise<Attachment> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return command("attach_bytes", bytes, { headers: { "x-name": encodeURIComponent(file.name) } });
}

/** The bytes of a kept picture. */
export const attachmentBytes = (url: string) => command<ArrayBuffer>("attachment_bytes", { url });

/** Asks the person in a dialog that shows the whole address, and opens it in their browser if they agree (true). */
export const openLink = (url: string) => command<boolean>("open_link", { url });

/**
 * Another attempt at the Python environment, from the addresses that the person typed in; an empty one is what was set for
 * uv, or else the usual one. Nothing happens once the environment is there. Rejects with `environment_address_invalid`,
 * whose `details.field` is the name of the one that cannot be used.
 */
export const environmentRetry = (mirrors: Typed) => command<null>("environment_retry", { ...mirrors });

/** Ends the attempt at the Python environment that is under way; it then stands as failed, of kind `request_cancelled`. */
export const environmentCancel = () => command<null>("environment_cancel");

/** Has the Python environment made anew, with everything fetched anew, and the engine started after it. */
export const environmentRepair = () => command<null>("environment_repair");

/** Ends the engine that runs or hangs, and starts another. */
export const engineRestart = () => command<null>("engine_restart");

/** Lets the person choose a folder in the system's dialog; null when they chose none. */
export const pickFolder = () => command<string | null>("pick_folder");

/** Whether the system lets this app read the person's protected folders. Where it protects none (Linux) it does. */
export const diskAccess = () => command<boolean>("disk_access");

/** Opens the system's settings at the place where the person grants that. */
export const diskAccessSettings = () => command<null>("disk_access_settings");

/**
 * Gives a provider its key, in the system's keychain or (not `keep`) for this run only. Rejects with `secret_invalid`, or with
 * `keychain_unavailable`: then nothing was stored, and it may be asked again without `keep`.
 */
export const secretSet = (providerId: string, secret: string, keep: boolean) =>
  command<null>("secret_set", { providerId, secret, keep });

/** Has the keychain, the shell and the sidecar forget a provider's key. There is no way to read one. */
export const secretDelete = (providerId: string) => command<null>("secret_delete", { providerId });

/** Whether and where other programs of this computer may ask the model. */
export interface ProxyChoice {
  on: boolean;
  port: number;
  /** A Unix socket in the data folder instead of the port. */
  socket: boolean;
  /** Origins of the web pages that may ask, as `https://notes.example`. */
  origins: string[];
}

/** The localhost proxy. */
export interface ProxyState extends ProxyChoice {
  /** Where it listens; null: it does not. */
  address: string | null;
  /** Why not, though it is on. */
  error: ShellError | null;
  /** The token's last four characters; null until the proxy was on in this run. */
  tokenEnd: string | null;
  /** In the keychain; else the token is for this run only. */
  tokenKept: boolean;
}

export const proxyState = () => command<ProxyState>("proxy_state");

/**
 * Switching it on, and letting further pages ask, asks the person in the system's own dialog; without their yes nothing
 * changes. Rejects with `origin_invalid`, whose `details.origin` is the one that is none.
 */
export const proxySet = (choice: ProxyChoice) => command<ProxyState>("proxy_set", { choice });

/** Puts the token on the clipboard, past this page; false where there is none. */
export const proxyCopyToken = () => command<boolean>("proxy_copy_token");

/** From now on the token before is refused. Rejects with `keychain_unavailable`: then it still holds. */
export const proxyRenewToken = () => command<ProxyState>("proxy_renew_token");

/** A release that is newer than this copy of the app. */
export interface NewerRelease {
  version: string;
  /** Where people read of it. */
  page: string;
  /** How this copy came here; `source`: it was built where it runs. */
  kind: "deb" | "appimage" | "dmg" | "source";
  /** Of its package for this computer, bytes; null: there is none. */
  size: number | null;
}

/**
 * Asks where releases are announced whether there is a newer one; null: there is none. Rejects with `update_unknown`,
 * `no_network`, `update_unreachable` or `update_untrusted`.
 */
export const updateCheck = () => command<NewerRelease | null>("update_check");

/** Fetches the package that was found; answers where it lies. Rejects as `updateCheck` does, and with `request_cancelled`. */
export function updateFetch(tell: (percent: number) => void): Promise<string> {
  const onPercent = new Channel<number>();
  onPercent.onmessage = tell;
  return command("update_fetch", { onPercent });
}

/** Ends that download. */
export const updateCancel = () => command<null>("update_cancel");

/** Something that the app keeps outside its data folder. */
export interface OutsideStorage {
  place: string;
  /** On the disk. */
  bytes: number;
}

/** What the system keeps for the window outside the data folder; all else the sidecar counts. */
export const storageOutside = () => command<OutsideStorage[]>("storage_outside");

/**
 * Leaves the app and deletes everything it keeps, the keys in the keychain first, once the person agreed in the system's
 * own dialog; false if they did not. Rejects with `data_folder_in_use` if another program uses the folder, and with
 * `keychain_unavailable` if the keys stay: then nothing was deleted, and it may be asked again with `withoutKeys`.
 */
export const eraseEverything = (withoutKeys: boolean) =>
  command<boolean>("erase_everything", { withoutKeys });

/**
 * Versions, system, states, the last log lines and `lines`, as text for a report: without the home folder's name, secrets in
 * addresses, or what was written or shown.
 */
export const diagnostics = (lines: string | null) => command<string>("diagnostics", { lines });

/**
 * Saves a ZIP for a report where the person chooses in the system's dialog; false where they chose nowhere. It has
 * versions, states, settings, and of the logs what names nothing of the person's. Rejects with `file_unwritable` or `disk_full`.
 */
export const exportDiagnostics = () => command<boolean>("export_diagnostics");
