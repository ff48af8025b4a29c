import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";
import { i18n } from "@/i18n";

// What jsdom has no layout for. Nothing under test depends on what these would measure.
class NoResizeObserver implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= NoResizeObserver;
// A wide window, until a test says otherwise.
globalThis.matchMedia ??= () => Object.assign(new EventTarget(), { matches: true }) as MediaQueryList;
Element.prototype.scrollTo ??= () => undefined;
Element.prototype.scrollIntoView ??= () => undefined;
Element.prototype.hasPointerCapture ??= () => false;
Element.prototype.releasePointerCapture ??= () => undefined;
URL.createObjectURL ??= () => "blob:http://localhost/picture";

// What is copied once it has come: the clipboard of the tests asks for its text as a browser does.
class PromisedItem {
  readonly #promised: Record<string, Promise<Blob>>;

  constructor(promised: Record<string, Promise<Blob>>) {
    this.#promised = promised;
    for (const content of Object.values(promised)) {
      // What does not come is told to who asks for it.
      content.catch(() => undefined);
    }
  }

  get types(): string[] {
    return Object.keys(this.#promised);
  }

  getType(type: string): Promise<Blob> {
    return this.#promised[type] ?? Promise.reject(new DOMException("no such type", "NotFoundError"));
  }
}
globalThis.ClipboardItem ??= PromisedItem as unknown as typeof ClipboardItem;

// An event is waited for this long, in milliseconds, before its test fails: a busy machine is not an error.
configure({ asyncUtilTimeout: 8_000 });

// As in index.html.
document.title = "Knowledge Focus";

beforeEach(async () => {
  await i18n.changeLanguage("en");
});

afterEach(() => {
  cleanup();
  delete document.documentElement.dataset.theme;
});
