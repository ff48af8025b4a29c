import type { ComponentProps } from "react";
import { cn } from "./class-names";

export function Input({ className, type = "text", ...props }: ComponentProps<"input">) {
  return (
    <input
      type={type}
      className={cn(
        "selectable h-9 w-full min-w-0 rounded-lg border border-input bg-card px-3 text-sm placeholder:text-muted-foreground disabled:opacity-45 aria-invalid:border-destructive",
        className,
      )}
      {...props}
    />
  );
}
