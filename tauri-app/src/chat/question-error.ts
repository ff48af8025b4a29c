import type { RpcError } from "@/rpc/error";

const KINDS = ["invalid_image", "invalid_request", "context_length_exceeded", "line_too_long"];

/** Whether the same question would fail again: then it has to be changed, not repeated. */
export function concernsQuestion({ kind }: RpcError): boolean {
  return KINDS.includes(kind);
}
