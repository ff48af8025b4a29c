/** What happened, for those who do not see it: a screen reader says it once it is there. */
export function Spoken({ children }: { children: string }) {
  return (
    <span role="status" className="sr-only">
      {children}
    </span>
  );
}
