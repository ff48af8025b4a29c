/** Where a search found its words, which stand between « and ». */
export function Snippet({ text }: { text: string }) {
  let at = 0;
  return (
    <span className="mt-0.5 line-clamp-2 text-muted-foreground text-xs leading-normal">
      {text.split(/«([^«»]*)»/).map((piece, index) => {
        const key = at;
        at += piece.length + 1;
        return index % 2 === 0 ? (
          <span key={key}>{piece}</span>
        ) : (
          <mark key={key} className="rounded-sm bg-primary-soft text-primary">
            {piece}
          </mark>
        );
      })}
    </span>
  );
}
