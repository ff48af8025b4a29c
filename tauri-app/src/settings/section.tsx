import type { ReactNode } from "react";
import { cn } from "@/components/ui/class-names";

type SectionProps = { title: string; intro?: string; action?: ReactNode; children: ReactNode };

/** One section of Settings. */
export function Section({ title, intro, action, children }: SectionProps) {
  return (
    <section aria-labelledby="settings-section">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <h2 id="settings-section" className="font-semibold text-2xl leading-snug tracking-tight">
          {title}
        </h2>
        {action}
      </div>
      {intro && <p className="mt-1.5 max-w-[38rem] text-muted-foreground">{intro}</p>}
      <div className="mt-6 grid gap-4">{children}</div>
    </section>
  );
}

export function Card({ className, ...props }: React.ComponentProps<"div">) {
  return <div className={cn("min-w-0 rounded-2xl border bg-card shadow-raised", className)} {...props} />;
}

/** A fact about something: an icon and a few words. */
export function Badge({
  icon,
  tone,
  children,
}: {
  icon: ReactNode;
  tone?: "good" | "bad";
  children: ReactNode;
}) {
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1.5 text-[0.8125rem] text-muted-foreground [&_svg]:size-3.5 [&_svg]:shrink-0",
        tone === "good" && "text-primary",
        tone === "bad" && "text-destructive",
      )}
    >
      {icon}
      {children}
    </span>
  );
}
