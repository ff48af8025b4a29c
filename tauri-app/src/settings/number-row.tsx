import { useId } from "react";
import { ErrorNote } from "@/components/error-note";
import { Input } from "@/components/ui/input";
import { type Read, useTyped } from "./use-typed";

type NumberRowProps = {
  name: string;
  hint: string;
  /** What is said of a number that cannot be. */
  invalidHint: string;
  value: number;
  minimum: number;
  maximum: number;
  disabled?: boolean;
  /** Rejects where the number is refused: it stays in the field then, with the reason. */
  onChange: (value: number) => Promise<unknown>;
};

/** A whole number that is typed in, and what it means. */
export function NumberRow(props: NumberRowProps) {
  const { name, hint, invalidHint, value, minimum, maximum, disabled, onChange } = props;
  const id = useId();
  const { text, problem, refusal, typing } = useTyped(value, read, onChange);

  function read(text: string): Read<number, string> {
    const number = Number(text);
    const valid = Number.isInteger(number) && number >= minimum && number <= maximum;
    return valid ? { value: number } : { problem: invalidHint };
  }

  return (
    <div className="grid gap-2">
      <div className="flex items-start justify-between gap-6">
        <div className="min-w-0">
          <label htmlFor={id} className="font-medium">
            {name}
          </label>
          <p
            id={`${id}-hint`}
            role={problem ? "alert" : undefined}
            className={problem ? "text-destructive text-sm" : "text-muted-foreground text-sm"}
          >
            {problem ?? hint}
          </p>
        </div>
        <Input
          id={id}
          inputMode="numeric"
          autoComplete="off"
          disabled={disabled}
          aria-invalid={problem !== null}
          aria-describedby={`${id}-hint`}
          className="w-24 text-right tabular-nums"
          value={text ?? value}
          {...typing}
        />
      </div>
      {refusal && <ErrorNote error={refusal.error} onRetry={refusal.retry} />}
    </div>
  );
}
