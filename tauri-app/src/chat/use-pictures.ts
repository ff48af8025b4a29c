import { useCallback, useState } from "react";
import { RpcError } from "@/rpc/error";
import { type Attachment, attachFile, attachPaths, pickPictures } from "@/rpc/shell";
import { rememberName, rememberPicture } from "./picture-source";

/** The pictures that go with the next message. */
export interface Pictures {
  /** Their URLs. */
  attached: readonly string[];
  /** Some are still being copied. */
  busy: boolean;
  error: RpcError | null;
  pick: () => Promise<void>;
  addPaths: (paths: string[]) => Promise<void>;
  addFiles: (files: readonly File[]) => Promise<void>;
  remove: (url: string) => void;
  /** Puts others in their place: none after sending, those of another draft. */
  replace: (urls: readonly string[]) => void;
  /** Puts those of a message that could not be sent back before the others. */
  giveBack: (urls: readonly string[]) => void;
  dismissError: () => void;
}

export function usePictures(): Pictures {
  const [attached, setAttached] = useState<readonly string[]>([]);
  const [running, setRunning] = useState(0);
  const [error, setError] = useState<RpcError | null>(null);

  const add = useCallback(async (attach: () => Promise<Attachment[]>) => {
    setRunning((count) => count + 1);
    setError(null);
    try {
      const added = await attach();
      const pictures = added.filter(({ mime }) => mime.startsWith("image/"));
      if (pictures.length < added.length) {
        setError(new RpcError("invalid_image"));
      }
      for (const { url, name } of pictures) {
        rememberName(url, name);
      }
      // The same picture has the same URL: attached twice, it is there once.
      setAttached((present) => [...new Set([...present, ...pictures.map(({ url }) => url)])]);
    } catch (cause) {
      setError(RpcError.from(cause));
    } finally {
      setRunning((count) => count - 1);
    }
  }, []);

  const pick = useCallback(() => add(pickPictures), [add]);
  const addPaths = useCallback((paths: string[]) => add(() => attachPaths(paths)), [add]);
  const addFiles = useCallback((files: readonly File[]) => add(() => Promise.all(files.map(keep))), [add]);
  const remove = useCallback(
    (url: string) => setAttached((present) => present.filter((other) => other !== url)),
    [],
  );
  const replace = useCallback((urls: readonly string[]) => {
    setAttached(urls);
    // It was about the message that is gone.
    setError(null);
  }, []);
  const giveBack = useCallback(
    (urls: readonly string[]) => setAttached((present) => [...new Set([...urls, ...present])]),
    [],
  );
  const dismissError = useCallback(() => setError(null), []);
  return {
    attached,
    busy: running > 0,
    error,
    pick,
    addPaths,
    addFiles,
    remove,
    replace,
    giveBack,
    dismissError,
  };
}

async function keep(file: File): Promise<Attachment> {
  const attachment = await attachFile(file);
  rememberPicture(attachment.url, file);
  return attachment;
}
