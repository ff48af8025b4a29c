/**
 * Lets what `index.html` shows be painted before the app is compiled, which takes longer than all before it: a web view
 * that has a module's code paints only after it ran.
 */
const LONGEST_WAIT_MS = 1000; // a page that nobody sees gets no frames

function start(): void {
  clearTimeout(inAnyCase);
  cancelAnimationFrame(frame);
  void import("./main");
}

const inAnyCase = setTimeout(start, LONGEST_WAIT_MS);
// A call-back of a frame runs before it is painted; a task that it queues runs after.
const frame = requestAnimationFrame(() => setTimeout(start));
