import { Plus, X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";

type ProxyOriginsProps = {
  origins: readonly string[];
  busy: boolean;
  /** What is kept then: the same as before where the person or the shell said no. */
  onChange: (origins: string[]) => Promise<readonly string[] | null>;
};

/** The web pages that may ask, too: none unless the person lists them. */
export function ProxyOrigins({ origins, busy, onChange }: ProxyOriginsProps) {
  const { t } = useTranslation();
  const id = useId();
  const [typed, setTyped] = useState("");

  async function add(event: FormEvent) {
    event.preventDefault();
    const kept = await onChange([...origins, typed]);
    if (kept && kept.length > origins.length) {
      setTyped("");
    }
  }

  return (
    <div className="grid gap-3 px-5 py-4 text-sm">
      <div>
        <label htmlFor={id} className="font-medium">
          {t("settings.programs.origins")}
        </label>
        <p id={`${id}-hint`} className="text-muted-foreground">
          {t("settings.programs.originsHint")}
        </p>
      </div>
      {origins.length > 0 && (
        <ul aria-label={t("settings.programs.origins")} className="grid gap-1">
          {origins.map((origin) => (
            <li key={origin} className="flex items-center justify-between gap-4">
              <span className="selectable min-w-0 break-all font-mono text-xs">{origin}</span>
              <Button
                variant="ghost"
                size="icon"
                disabled={busy}
                aria-label={t("settings.programs.originRemove", { origin })}
                onClick={() => void onChange(origins.filter((each) => each !== origin))}
              >
                <X />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <form className="flex gap-2" onSubmit={(event) => void add(event)}>
        <Input
          id={id}
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          placeholder="https://notes.example"
          disabled={busy}
          aria-describedby={`${id}-hint`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button type="submit" variant="outline" disabled={busy || typed.trim() === ""}>
          <Plus />
          {t("settings.programs.originAdd")}
        </Button>
      </form>
    </div>
  );
}
