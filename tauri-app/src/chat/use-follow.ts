import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Pixels from the end within which a person counts as reading the newest text. */
const NEAR = 48;

/**
 * Keeps the end of a growing text in sight, unless the person scrolled away from it.
 *
 * `away` says that they did; `toEnd` brings them back. Growing text moves the end away by itself, so a scroll counts
 * only when a wheel, a key or a pointer came before it.
 */
export function useFollow(view: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [away, setAway] = useState(false);
  const following = useRef(true);
  const byPerson = useRef(false);

  const toEnd = useCallback(() => {
    following.current = true;
    byPerson.current = false;
    setAway(false);
    view.current?.scrollTo({ top: view.current.scrollHeight });
  }, [view]);

  useEffect(() => {
    const element = view.current;
    if (!element || !content.current) {
      return;
    }
    let held = false;
    const moved = () => {
      byPerson.current = true;
    };
    const pressed = () => {
      held = true;
    };
    const released = () => {
      held = false;
    };
    const scrolled = () => {
      if (byPerson.current || held) {
        following.current = element.scrollHeight - element.clientHeight - element.scrollTop < NEAR;
        setAway(!following.current);
      }
    };
    const grown = new ResizeObserver(() => following.current && toEnd());
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

  return { away, toEnd };
}
