import { useCallback, useEffect, useState } from "react";
import { usePreferences } from "@/preferences/preferences";

/** From this width on the list of chats has its place beside the conversation; below, it lies over it. */
const WIDE = "(min-width: 52rem)";

export interface SidebarPlace {
  wide: boolean;
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** Where the list of chats is: beside the conversation unless it was put away, and closed where there is no room for it. */
export function useSidebar(): SidebarPlace {
  const [wide, setWide] = useState(() => window.matchMedia(WIDE).matches);
  const { chatsHidden, setChatsHidden } = usePreferences();
  const [over, setOver] = useState(false);

  useEffect(() => {
    const query = window.matchMedia(WIDE);
    const change = () => {
      setWide(query.matches);
      setOver(false);
    };
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);

  const setOpen = useCallback(
    (open: boolean) => (wide ? setChatsHidden(!open) : setOver(open)),
    [wide, setChatsHidden],
  );
  return { wide, open: wide ? !chatsHidden : over, setOpen };
}
