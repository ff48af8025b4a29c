import { useCallback, useEffect, useState } from "react";

/** Milliseconds for which a control says that it has copied. */
const SHOWN_FOR = 2000;

export interface Copying {
  copied: boolean;
  failed: boolean;
  copy: (text: string | Promise<string>) => void;
  /** Goes by somebody else, who copies what this page does not have. */
  copying: (done: Promise<unknown>) => void;
}

/** Copies text, also one that has yet to come, and knows for a moment that it did, or until it does that it did not. */
export function useCopy(): Copying {
  const [copied, setCopied] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [copied]);
  const copying = useCallback((done: Promise<unknown>) => {
    done.then(
      () => {
        setCopied(true);
        setFailed(false);
      },
      // The text did not come, or the system refused.
      () => {
        setCopied(false);
        setFailed(true);
      },
    );
  }, []);
  const copy = useCallback((text: string | Promise<string>) => copying(write(text)), [copying]);
  return { copied, failed, copy, copying };
}

/** WebKit lets a page write only while it handles the person's press: what comes later is promised there and then. */
async function write(text: string | Promise<string>): Promise<void> {
  if (typeof text === "string") {
    return navigator.clipboard.writeText(text);
  }
  const type = "text/plain";
  const promised = text.then((come) => new Blob([come], { type }));
  await Promise.all([promised, navigator.clipboard.write([new ClipboardItem({ [type]: promised })])]);
}
