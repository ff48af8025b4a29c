import { Dialog as DialogPrimitive } from "radix-ui";
import { type ComponentProps, type ReactNode, type RefObject, useRef } from "react";
import { useAlone } from "../use-alone";
import { wayBack } from "../way-back";
import { cn } from "./class-names";

type DialogProps = {
  title: ReactNode;
  /** What the question is about; it is read out with the title. */
  description?: ReactNode;
  children: ReactNode;
  onClose: () => void;
  className?: string;
} & Pick<ComponentProps<"div">, "role">;

/** A question that stands above everything until it is answered; Escape is "no". Shown for as long as it is rendered. */
export function Dialog({ title, description, children, onClose, className, role = "dialog" }: DialogProps) {
  const content = useRef<HTMLDivElement>(null);
  const back = useRef(() => {});
  return (
    <DialogPrimitive.Root open modal={false} onOpenChange={(open) => open || onClose()}>
      <DialogPrimitive.Portal>
        <DialogPrimitive.Content
          ref={content}
          role={role}
          aria-modal="true"
          {...(description ? {} : { "aria-describedby": undefined })}
          onInteractOutside={(event) => event.preventDefault()}
          onOpenAutoFocus={() => {
            back.current = wayBack(document.activeElement);
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            back.current();
          }}
          className="fixed inset-0 z-50 grid place-items-center overflow-y-auto bg-scrim p-5 outline-none"
        >
          <Alone content={content} />
          <div
            className={cn(
              "w-full max-w-[28rem] animate-pop rounded-2xl border bg-popover p-6 shadow-floating",
              className,
            )}
          >
            <DialogPrimitive.Title className="font-semibold text-lg leading-snug tracking-tight">
              {title}
            </DialogPrimitive.Title>
            {description && (
              <DialogPrimitive.Description asChild>
                <div className="mt-2 grid gap-2 text-muted-foreground text-sm">{description}</div>
              </DialogPrimitive.Description>
            )}
            {children}
          </div>
        </DialogPrimitive.Content>
      </DialogPrimitive.Portal>
    </DialogPrimitive.Root>
  );
}

/** Within the content, so that its effect runs when that is in the page: the portal renders a moment later. */
function Alone({ content }: { content: RefObject<HTMLElement | null> }) {
  useAlone(content);
  return null;
}

/** The answers to a dialog's question, the harmless one first: it has the focus. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-6 flex flex-wrap justify-end gap-2">{children}</div>;
}
