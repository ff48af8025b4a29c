import { useId, useState } from "react";
import { Input } from "@/components/ui/input";

type NumberRowProps = {
  name: string;
  hint: string;
  /** What is said of a number that cannot be. */
  invalidHint: string;
  value: number;
  minimum: number;
  maximum: number;
  disabled?: boolean;
  onChange: (value: number) => void;
};

/** A whole number that is typed in, and what it means. */
export function NumberRow(props: NumberRowProps) {
  const { name, hint, invalidHint, value, minimum, maximum, disabled, onChange } = props;
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const number = Number(typed ?? value);
  const invalid = !(Number.isInteger(number) && number >= minimum && number <= maximum);

  function commit() {
    if (typed === null || invalid) {
      return;
    }
    setTyped(null);
    if (number !== value) {
      onChange(number);
    }
  }

  return (
    <div className="flex items-start justify-between gap-6">
      <div className="min-w-0">
        <label htmlFor={id} className="font-medium">
          {name}
        </label>
        <p
          id={`${id}-hint`}
          role={invalid ? "alert" : undefined}
          className={invalid ? "text-destructive text-sm" : "text-muted-foreground text-sm"}
        >
          {invalid ? invalidHint : hint}
        </p>
      </div>
      <Input
        id={id}
        inputMode="numeric"
        autoComplete="off"
        disabled={disabled}
        aria-invalid={invalid}
        aria-describedby={`${id}-hint`}
        className="w-24 text-right tabular-nums"
        value={typed ?? value}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === "Enter" && commit()}
      />
    </div>
  );
}
