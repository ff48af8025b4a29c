import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorLine } from "@/components/error-text";
import { Input } from "@/components/ui/input";
import { RpcError } from "@/rpc/error";
import { useEnter } from "./composition";

/** Characters of a title at most. */
const LONGEST = 200;

type TitleFieldProps = {
  title: string;
  onRename: (title: string) => Promise<void>;
  onClose: () => void;
};

/** A chat's title while a person changes it: Enter or leaving the field keeps it, Escape does not. */
export function TitleField({ title, onRename, onClose }: TitleFieldProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(title);
  const [error, setError] = useState<RpcError | null>(null);
  const id = useId();
  const done = useRef(false);

  async function keep() {
    if (done.current) {
      return;
    }
    done.current = true;
    const wanted = text.trim();
    if (wanted === "" || wanted === title) {
      onClose();
      return;
    }
    try {
      await onRename(wanted);
      onClose();
    } catch (cause) {
      done.current = false;
      setError(RpcError.from(cause));
    }
  }

  const { onKeyDown, ...enter } = useEnter(() => void keep());

  function press(event: KeyboardEvent<HTMLInputElement>) {
    onKeyDown(event);
    if (event.key === "Escape") {
      event.stopPropagation();
      done.current = true;
      onClose();
    }
  }

  return (
    <>
      <Input
        autoFocus
        aria-label={t("chat.chats.title")}
        aria-invalid={error !== null}
        {...(error && { "aria-describedby": id })}
        maxLength={LONGEST}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onFocus={(event) => event.target.select()}
        onBlur={() => void keep()}
        onKeyDown={press}
        {...enter}
      />
      {error && (
        <p id={id} role="alert" className="px-2 py-1 text-destructive text-xs">
          {errorLine(t, error)}
        </p>
      )}
    </>
  );
}
