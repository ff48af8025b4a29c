import { cn } from "./ui/class-names";

/** The app's mark: a lens that rests on one line of a page. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" aria-hidden="true" className={cn("size-8", className)}>
      <rect width="32" height="32" rx="9" className="fill-primary" />
      <g className="stroke-primary-foreground" strokeWidth="2" strokeLinecap="round">
        <path d="M8 11.5h4M8 16.5h2.5M8 21.5h5" opacity="0.55" />
        <circle cx="18.5" cy="15.5" r="5.5" />
        <path d="m22.6 19.6 3 3" />
      </g>
      <circle cx="18.5" cy="15.5" r="1.75" className="fill-primary-foreground" />
    </svg>
  );
}
