import { Progress as ProgressPrimitive } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "./class-names";

/** A bar from 0 to 100, or with `null` one that only says that work goes on. */
export function Progress({ className, value, ...props }: ComponentProps<typeof ProgressPrimitive.Root>) {
  const known = value ?? null;
  return (
    <ProgressPrimitive.Root
      value={known}
      className={cn("relative h-2 w-full overflow-hidden rounded-full bg-accent", className)}
      {...props}
    >
      <ProgressPrimitive.Indicator
        className={cn(
          "h-full rounded-full bg-primary",
          known === null ? "w-1/3 animate-sweep" : "w-full transition-transform duration-500 ease-calm",
        )}
        style={known === null ? undefined : { transform: `translateX(-${100 - known}%)` }}
      />
    </ProgressPrimitive.Root>
  );
}
