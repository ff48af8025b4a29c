import { TriangleAlert } from "lucide-react";

/** What went wrong, and what to do about it: the head of a stage that does not go on by itself. */
export function Trouble({ title, hint }: { title: string; hint: string }) {
  return (
    <div role="alert">
      <h1 className="flex items-start gap-3 font-semibold text-xl leading-snug tracking-tight">
        <TriangleAlert aria-hidden="true" className="mt-1 size-5 shrink-0 text-destructive" />
        {title}
      </h1>
      <p className="mt-2 pl-8 text-muted-foreground">{hint}</p>
    </div>
  );
}
