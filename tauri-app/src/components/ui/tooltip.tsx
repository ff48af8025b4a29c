import { Tooltip as TooltipPrimitive } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "./class-names";

export const TooltipProvider = TooltipPrimitive.Provider;

type TooltipProps = Omit<ComponentProps<typeof TooltipPrimitive.Content>, "content"> & {
  content: ReactNode;
  children: ReactNode;
};

/** Names the control it wraps for those who see it; the control carries its own accessible name. */
export function Tooltip({ content, children, className, ...props }: TooltipProps) {
  return (
    <TooltipPrimitive.Root>
      <TooltipPrimitive.Trigger asChild>{children}</TooltipPrimitive.Trigger>
      <TooltipPrimitive.Portal>
        <TooltipPrimitive.Content
          sideOffset={6}
          collisionPadding={8}
          className={cn(
            "z-50 animate-pop rounded-md bg-foreground px-2.5 py-1 text-background text-xs shadow-raised",
            className,
          )}
          {...props}
        >
          {content}
        </TooltipPrimitive.Content>
      </TooltipPrimitive.Portal>
    </TooltipPrimitive.Root>
  );
}
