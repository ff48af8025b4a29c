import { useId } from "react";
import { Switch } from "@/components/ui/switch";

type SwitchRowProps = {
  name: string;
  hint: string;
  checked: boolean;
  /** It keeps the focus: whoever has just switched it may switch it back once that is possible. */
  disabled?: boolean;
  onChange: (checked: boolean) => void;
};

/** Something that is on or off, and what that means. */
export function SwitchRow({ name, hint, checked, disabled, onChange }: SwitchRowProps) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-6">
      <div className="min-w-0">
        <label htmlFor={id} className="font-medium">
          {name}
        </label>
        <p id={`${id}-hint`} className="text-muted-foreground text-sm">
          {hint}
        </p>
      </div>
      <Switch
        id={id}
        aria-describedby={`${id}-hint`}
        aria-disabled={disabled}
        checked={checked}
        onCheckedChange={disabled ? undefined : onChange}
      />
    </div>
  );
}
