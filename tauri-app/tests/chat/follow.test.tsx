import { act, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { answers, ask, openChat, replying } from "./page";

/** Tells those who watch the size of something on the page that it has changed. */
function withSizes() {
  const watching = new Map<Element, () => void>();
  class Watch implements ResizeObserver {
    readonly #tell: () => void;
    constructor(tell: ResizeObserverCallback) {
      this.#tell = () => tell([], this);
    }
    observe(element: Element) {
      watching.set(element, this.#tell);
    }
    unobserve() {}
    disconnect() {}
  }
  vi.stubGlobal("ResizeObserver", Watch);
  return (element: Element) => act(() => watching.get(element)?.());
}

test("a chat that nothing was asked in is read from its top, and one in which something was from its end", async () => {
  const grow = withSizes();
  const window = await openChat(replying("Hello!"));
  const view = screen.getByRole("region", { name: "Conversation" });
  vi.spyOn(view, "scrollHeight", "get").mockReturnValue(900);
  const scrolled = vi.spyOn(view, "scrollTo");
  grow(view);
  expect(scrolled).toHaveBeenLastCalledWith({ top: 0 });
  await ask(window, "Hi");
  await vi.waitFor(() => expect(answers()).toHaveLength(1));
  grow(view);
  expect(scrolled).toHaveBeenLastCalledWith({ top: 900 });
  vi.unstubAllGlobals();
});
