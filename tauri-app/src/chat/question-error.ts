const KINDS = ["invalid_image", "invalid_request", "context_length_exceeded", "line_too_long"];
const LEFT_OUT = ["invalid_image", "invalid_request"];

/** Whether the same question would fail again: then it has to be changed, not repeated. */
export function concernsQuestion(kind: string): boolean {
  return KINDS.includes(kind);
}

/** Whether the chat goes on without a question that failed so. */
export function leavesOut(kind: string): boolean {
  return LEFT_OUT.includes(kind);
}
