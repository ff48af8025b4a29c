import type { ReactNode } from "react";
import { useId } from "react";

type FieldProps = {
  label: string;
  hint?: ReactNode;
  /** What is wrong with it. */
  problem?: string | null;
  className?: string;
  children: (props: {
    id: string;
    "aria-invalid": boolean;
    "aria-describedby": string | undefined;
  }) => ReactNode;
};

/** A control with its name, and under it what helps or what is wrong. */
export function Field({ label, hint, problem, className, children }: FieldProps) {
  const id = useId();
  const described = problem || hint ? `${id}-note` : undefined;
  return (
    <div className={className ?? "grid gap-1.5"}>
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      {children({ id, "aria-invalid": Boolean(problem), "aria-describedby": described })}
      {problem ? (
        <p id={described} role="alert" className="text-destructive text-sm">
          {problem}
        </p>
      ) : (
        hint && (
          <p id={described} className="text-[0.8125rem] text-muted-foreground">
            {hint}
          </p>
        )
      )}
    </div>
  );
}
