import { useCallback, useEffect, useState } from "react";

/** Milliseconds for which a control says that it has copied. */
const SHOWN_FOR = 2000;

/** Copies text, also one that has yet to come, and knows for a moment that it did. */
export function useCopy(): { copied: boolean; copy: (text: string | Promise<string>) => void } {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = useCallback((text: string | Promise<string>) => {
    write(text).then(
      () => setCopied(true),
      // The system refused; the text can still be selected.
      () => setCopied(false),
    );
  }, []);
  return { copied, copy };
}

/** WebKit lets a page write only while it handles the person's press: what comes later is promised there and then. */
async function write(text: string | Promise<string>): Promise<void> {
  if (typeof text === "string") {
    return navigator.clipboard.writeText(text);
  }
  const type = "text/plain";
  const promised = text.then((come) => new Blob([come], { type }));
  return navigator.clipboard.write([new ClipboardItem({ [type]: promised })]);
}
