import { cva, type VariantProps } from "class-variance-authority";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "./class-names";

const buttonVariants = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors duration-150 disabled:pointer-events-none disabled:opacity-45 [&_svg]:pointer-events-none [&_svg]:shrink-0 [&_svg:not([class*='size-'])]:size-4",
  {
    variants: {
      variant: {
        default: "bg-primary text-primary-foreground hover:bg-primary-hover",
        outline: "border border-input bg-card hover:bg-muted",
        destructive: "bg-destructive text-background hover:opacity-90",
        ghost: "text-muted-foreground hover:bg-accent hover:text-foreground",
        link: "rounded-sm text-primary underline underline-offset-4 hover:text-primary-hover",
      },
      size: {
        default: "h-9 px-4 text-sm",
        sm: "h-8 gap-1.5 px-3 text-[0.8125rem]",
        lg: "h-11 rounded-xl px-6",
        icon: "size-9",
        "icon-sm": "size-8 rounded-md",
        inline: "h-auto text-sm",
      },
    },
    defaultVariants: { variant: "default", size: "default" },
  },
);

type ButtonProps = ComponentProps<"button"> & VariantProps<typeof buttonVariants> & { asChild?: boolean };

export function Button({
  className,
  variant,
  size,
  asChild = false,
  type = "button",
  ...props
}: ButtonProps) {
  const Element = asChild ? Slot.Root : "button";
  return <Element type={type} className={cn(buttonVariants({ variant, size }), className)} {...props} />;
}
