import { useCallback, useRef, useState } from "react";
import { type Pictures, usePictures } from "./use-pictures";

interface Draft {
  text: string;
  pictures: readonly string[];
}

const EMPTY: Draft = { text: "", pictures: [] };

/** What is being written, a draft for each chat: whoever looks something up in another one finds it as it was. */
export function useDraft() {
  const [text, setText] = useState("");
  const pictures: Pictures = usePictures();
  const { attached, replace, giveBack: returnPictures } = pictures;
  const others = useRef(new Map<string | null, Draft>());

  const put = useCallback(
    (draft: Draft) => {
      setText(draft.text);
      replace(draft.pictures);
    },
    [replace],
  );

  /** Another chat comes on screen. */
  const change = useCallback(
    (from: string | null, to: string | null) => {
      others.current.set(from, { text, pictures: attached });
      put(others.current.get(to) ?? EMPTY);
      others.current.delete(to);
    },
    [text, attached, put],
  );

  const clear = useCallback(() => put(EMPTY), [put]);

  /** Puts what could not be sent back before what was written meanwhile. */
  const giveBack = useCallback(
    (draft: Draft) => {
      setText((written) => [draft.text, written].filter((each) => each !== "").join("\n"));
      returnPictures(draft.pictures);
    },
    [returnPictures],
  );

  /** Keeps what could not be sent for the chat that it was written in, which is not on screen any more. */
  const keep = useCallback((chat: string | null, draft: Draft) => void others.current.set(chat, draft), []);

  return { text, setText, pictures, change, clear, giveBack, keep };
}
