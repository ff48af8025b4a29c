import { type ChangeEvent, type KeyboardEvent, useRef, useState } from "react";
import { RpcError } from "@/rpc/error";

/** What a text that was typed means, or what is wrong with it. */
export type Read<Value, Problem> = { value: Value } | { problem: Problem };

/** Why a change was refused, and the same once more. */
interface Refusal {
  error: RpcError;
  retry: () => void;
}

/**
 * A field whose text is asked for with Enter or by leaving it, where it is another value than the one that is `known`.
 * Until it holds it stays in the field: a text that cannot be read, or that `onChange` rejects.
 */
export function useTyped<Value, Problem>(
  known: Value,
  read: (text: string) => Read<Value, Problem>,
  onChange: (value: Value) => Promise<unknown>,
) {
  const [text, setText] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  // The text that was asked for last and does not hold yet: leaving the field does not ask for it again.
  const asked = useRef<string | null>(null);
  const typed = text === null ? null : read(text);

  async function change(value: Value) {
    asked.current = text;
    setRefusal(null);
    try {
      if (value !== known) {
        await onChange(value);
      }
    } catch (cause) {
      setRefusal({ error: RpcError.from(cause), retry: () => void change(value) });
      return;
    }
    asked.current = null;
    // What was typed meanwhile stays.
    setText((now) => (now === text ? null : now));
  }

  function commit(again: boolean) {
    if (typed && "value" in typed && (again || text !== asked.current)) {
      void change(typed.value);
    }
  }

  return {
    /** Null where nothing was typed, or it holds. */
    text,
    problem: typed && "problem" in typed ? typed.problem : null,
    refusal,
    /** Asks for a value that was not typed. */
    change,
    /** For the field. */
    typing: {
      onChange: (event: ChangeEvent<HTMLInputElement>) => {
        asked.current = null;
        setRefusal(null);
        setText(event.target.value);
      },
      onBlur: () => commit(false),
      onKeyDown: (event: KeyboardEvent) => event.key === "Enter" && commit(refusal !== null),
    },
  };
}
