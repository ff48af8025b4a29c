import { type KeyboardEvent, useMemo } from "react";

/** Milliseconds after the end of a composition in which WebKit still delivers the Enter that ended it. */
const SAME_KEY_PRESS = 100;

/**
 * Tells an Enter that confirms an input method's candidate from one that sends.
 *
 * Most engines mark the former with `isComposing` or key code 229. WebKit ends the composition first and then delivers
 * the same key press as a plain Enter, so an Enter right behind a composition belongs to it, until a key was released.
 */
export class Composition {
  #endedAt: number | null = null;

  ended(at: number): void {
    this.#endedAt = at;
  }

  keyReleased(): void {
    this.#endedAt = null;
  }

  owns(key: { isComposing: boolean; keyCode: number; timeStamp: number }): boolean {
    const sameKeyPress = this.#endedAt !== null && key.timeStamp - this.#endedAt < SAME_KEY_PRESS;
    return key.isComposing || key.keyCode === 229 || sameKeyPress;
  }
}

/** Handlers for a text field in which Enter calls `onEnter`; Shift+Enter stays a line break. */
export function useEnter(onEnter: () => void) {
  const composition = useMemo(() => new Composition(), []);
  return {
    onCompositionEnd: (event: { timeStamp: number }) => composition.ended(event.timeStamp),
    onKeyUp: () => composition.keyReleased(),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "Enter" || event.shiftKey || composition.owns(event.nativeEvent)) {
        return;
      }
      event.preventDefault();
      onEnter();
    },
  };
}
