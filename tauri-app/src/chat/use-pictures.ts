import { useCallback, useState } from "react";
import { RpcError } from "@/rpc/error";
import { type Attachment, attachFile, attachPaths, pickPictures } from "@/rpc/shell";
import { rememberPicture } from "./picture-source";

/** What a message needs to know of a picture. */
export type AttachedPicture = Omit<Attachment, "size">;

/** The pictures that go with the next message. */
export interface Pictures {
  attached: readonly AttachedPicture[];
  /** Some are still being copied. */
  busy: boolean;
  error: RpcError | null;
  pick: () => Promise<void>;
  addPaths: (paths: string[]) => Promise<void>;
  addFiles: (files: readonly File[]) => Promise<void>;
  remove: (url: string) => void;
  /** Puts others in their place: none after sending, those of a message that is taken back. */
  replace: (pictures: readonly AttachedPicture[]) => void;
  dismissError: () => void;
}

export function usePictures(): Pictures {
  const [attached, setAttached] = useState<readonly AttachedPicture[]>([]);
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
      // The same picture has the same URL: attached twice, it is there once.
      setAttached((present) => [
        ...new Map([...present, ...pictures].map((picture) => [picture.url, picture])).values(),
      ]);
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
    (url: string) => setAttached((present) => present.filter((picture) => picture.url !== url)),
    [],
  );
  const replace = useCallback((pictures: readonly AttachedPicture[]) => {
    setAttached(pictures);
    // It was about the message that is gone.
    setError(null);
  }, []);
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
    dismissError,
  };
}

async function keep(file: File): Promise<Attachment> {
  const attachment = await attachFile(file);
  rememberPicture(attachment.url, file);
  return attachment;
}
