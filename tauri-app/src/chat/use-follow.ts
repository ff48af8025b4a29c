import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Pixels from the end within which a person counts as reading the newest text. */
const NEAR = 48;

/**
 * Keeps the end of a growing text in sight, unless the person scrolled away from it.
 *
 * `away` says that they did; `toEnd` brings them back; before something is put above what they read, `hold` keeps that
 * in its place. What has not `begun` yet is read from its top. Growing text moves the end away by itself, so a scroll counts
 * only when a wheel, a key or a pointer came before it.
 */
export function useFollow(
  view: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  begun: boolean,
) {
  const [away, setAway] = useState(false);
  const following = useRef(true);
  const byPerson = useRef(false);
  /** Pixels from what is read to the end, while something is put above it. */
  const held = useRef<number | null>(null);

  const end = useRef<"top" | "bottom">("bottom");

  // Before what has grown is looked at.
  useLayoutEffect(() => {
    end.current = begun ? "bottom" : "top";
  }, [begun]);

  const toEnd = useCallback(() => {
    following.current = true;
    byPerson.current = false;
    setAway(false);
    view.current?.scrollTo({ top: end.current === "top" ? 0 : view.current.scrollHeight });
  }, [view]);

  const hold = useCallback(() => {
    if (view.current) {
      following.current = false;
      held.current = view.current.scrollHeight - view.current.scrollTop;
    }
  }, [view]);

  useEffect(() => {
    const element = view.current;
    if (!element || !content.current) {
      return;
    }
    let pressing = false;
    const moved = () => {
      byPerson.current = true;
    };
    const pressed = () => {
      pressing = true;
    };
    const released = () => {
      pressing = false;
    };
    const scrolled = () => {
      if (byPerson.current || pressing) {
        following.current = element.scrollHeight - element.clientHeight - element.scrollTop < NEAR;
        setAway(!following.current);
      }
    };
    const grown = new ResizeObserver(() => {
      if (held.current !== null) {
        element.scrollTo({ top: element.scrollHeight - held.current });
        held.current = null;
      } else if (following.current) {
        toEnd();
      }
    });
    grown.observe(content.current);
    grown.observe(element);
    const stop = new AbortController();
    const options = { passive: true, signal: stop.signal };
    for (const gesture of ["wheel", "touchmove", "keydown"]) {
      element.addEventListener(gesture, moved, options);
    }
    element.addEventListener("pointerdown", pressed, options);
    window.addEventListener("pointerup", released, options);
    window.addEventListener("pointercancel", released, options);
    element.addEventListener("scroll", scrolled, options);
    return () => {
      stop.abort();
      grown.disconnect();
    };
  }, [view, content, toEnd]);

  return { away, toEnd, hold };
}
