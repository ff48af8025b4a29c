import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Pixels from the end within which a person counts as reading the newest text. */
const NEAR = 48;

/**
 * Keeps the end of a growing text in sight, unless the person scrolled away from it.
 *
 * `away` says that they did; `toEnd` brings them back.
 */
export function useFollow(view: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [away, setAway] = useState(false);
  const following = useRef(true);

  const toEnd = useCallback(() => {
    following.current = true;
    setAway(false);
    view.current?.scrollTo({ top: view.current.scrollHeight });
  }, [view]);

  useEffect(() => {
    const element = view.current;
    if (!element || !content.current) {
      return;
    }
    let last = element.scrollTop;
    const scrolled = () => {
      const left = element.scrollHeight - element.clientHeight - element.scrollTop;
      // Growing content moves the end away without any scrolling; only a step up is the person's wish.
      following.current = left < NEAR || (following.current && element.scrollTop >= last);
      last = element.scrollTop;
      setAway(!following.current);
    };
    const grown = new ResizeObserver(() => following.current && toEnd());
    element.addEventListener("scroll", scrolled, { passive: true });
    grown.observe(content.current);
    grown.observe(element);
    return () => {
      element.removeEventListener("scroll", scrolled);
      grown.disconnect();
    };
  }, [view, content, toEnd]);

  return { away, toEnd };
}
