import { useEffect, useState } from "react";
import { attachmentBytes } from "@/rpc/shell";

/** Object URLs of pictures by `attachment:` URL. They live as long as the page: the chat may show each again. */
const sources = new Map<string, Promise<string | null>>();

/** Names of files by `attachment:` URL, as far as they were attached since the page is there: nothing keeps them. */
const names = new Map<string, string>();

export function rememberName(url: string, name: string): void {
  names.set(url, name);
}

export function nameOfPicture(url: string): string | undefined {
  return names.get(url);
}

/** Remembers bytes that are here already, as for a pasted picture. */
export function rememberPicture(url: string, picture: Blob): void {
  if (!sources.has(url)) {
    sources.set(url, Promise.resolve(URL.createObjectURL(picture)));
  }
}

function sourceOf(url: string): Promise<string | null> {
  const known = sources.get(url);
  if (known) {
    return known;
  }
  const source = attachmentBytes(url).then(
    // Of which kind it is the web view sees in the bytes.
    (bytes) => URL.createObjectURL(new Blob([bytes])),
    () => {
      sources.delete(url);
      return null;
    },
  );
  sources.set(url, source);
  return source;
}

/** What an `<img>` can show for an attachment; null until it is read, or when it cannot be. */
export function usePictureSource(url: string): string | null {
  const [source, setSource] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    sourceOf(url).then((found) => current && setSource(found));
    return () => {
      current = false;
    };
  }, [url]);
  return source;
}
