import type { ErrorData } from "./gen/protocol";

/** The stable name of an error; i18n has a text for each. */
export type ErrorKind = ErrorData["kind"];

/** A request that failed. The message is prose for logs: people read the text of `kind`. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  /** An {@link ErrorKind}, or a kind that a newer sidecar knows and this window does not. */
  readonly kind: string;
  /** Whether the same request may succeed later, without anybody changing it. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    kind: string,
    options: { retryable?: boolean; message?: string; details?: Record<string, unknown> } = {},
  ) {
    super(options.message ?? kind);
    this.kind = kind;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  /** What `invoke` rejected with, as an error. Anything but the shell's error object is `unknown`. */
  static from(cause: unknown): RpcError {
    if (cause instanceof RpcError) {
      return cause;
    }
    if (isErrorObject(cause)) {
      return new RpcError(cause.kind, cause);
    }
    return new RpcError("unknown", {
      retryable: true,
      message: cause instanceof Error ? cause.message : String(cause),
    });
  }
}

type ErrorObject = { kind: string; retryable?: boolean; message?: string; details?: Record<string, unknown> };

function isErrorObject(cause: unknown): cause is ErrorObject {
  return typeof cause === "object" && cause !== null && "kind" in cause && typeof cause.kind === "string";
}
