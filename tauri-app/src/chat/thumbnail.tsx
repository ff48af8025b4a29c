import { Image, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "@/components/ui/class-names";
import { nameOfPicture, usePictureSource } from "./picture-source";

type ThumbnailProps = {
  url: string;
  className?: string;
  /** In its own proportions, instead of cut to the size that `className` gives. */
  whole?: boolean;
  onRemove?: () => void;
};

/** A small view of a picture. Where it cannot be shown, its name is. */
export function Thumbnail({ url, className, whole = false, onRemove }: ThumbnailProps) {
  const { t } = useTranslation();
  const source = usePictureSource(url);
  const [broken, setBroken] = useState(false);
  const shown = source !== null && !broken;
  const label = nameOfPicture(url) ?? t("chat.picture");
  return (
    <div className="group/thumbnail relative">
      <div
        className={cn("overflow-hidden rounded-xl border bg-muted", whole && shown ? "max-w-80" : className)}
      >
        {shown ? (
          <img
            src={source ?? undefined}
            alt={label}
            draggable={false}
            className={whole ? "max-h-64 w-auto animate-rise" : "size-full animate-rise object-cover"}
            onError={() => setBroken(true)}
          />
        ) : (
          <div
            role="img"
            aria-label={label}
            title={label}
            className="flex size-full flex-col items-center justify-center gap-1 p-1.5 text-muted-foreground"
          >
            <Image aria-hidden="true" className="size-5 shrink-0" />
            <span className="line-clamp-2 w-full text-center text-[0.6875rem] leading-tight [overflow-wrap:anywhere]">
              {label}
            </span>
          </div>
        )}
      </div>
      {onRemove && (
        <button
          type="button"
          aria-label={t("chat.composer.remove", { name: label })}
          title={t("chat.composer.remove", { name: label })}
          onClick={onRemove}
          className="absolute -top-1.5 -right-1.5 grid size-6 place-items-center rounded-full border-2 border-card bg-foreground text-background transition-transform duration-150 hover:scale-110"
        >
          <X aria-hidden="true" className="size-3.5" />
        </button>
      )}
    </div>
  );
}
