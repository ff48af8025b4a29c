import { useCallback, useEffect, useState } from "react";

/** Milliseconds for which a control says that it has copied. */
const SHOWN_FOR = 2000;

/** Copies text, and knows for a moment that it did. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = useCallback((text: string) => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      // The system refused; the text can still be selected.
      () => setCopied(false),
    );
  }, []);
  return { copied, copy };
}
