import { Check, Copy, ImageOff } from "lucide-react";
import { type ComponentProps, isValidElement, memo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { defaultRehypePlugins, type ExtraProps, Streamdown } from "streamdown";
import { Spoken } from "@/components/spoken";
import { Button } from "@/components/ui/button";
import { useCopy } from "@/components/use-copy";
import { openLink } from "@/rpc/shell";

type Tag<Name extends "a" | "img" | "pre" | "table"> = ComponentProps<Name> & ExtraProps;

/** Opens nowhere by itself: without an `href` neither a click, a middle click nor a menu can navigate the window. */
function Link({ href, children }: Tag<"a">) {
  if (!href) {
    return <span>{children}</span>;
  }
  const open = () => void openLink(href).catch(() => undefined);
  return (
    <a
      role="link"
      tabIndex={0}
      title={href}
      // biome-ignore lint/a11y/useValidAnchor: see above; role, tabIndex and Enter make it a link.
      onClick={open}
      onKeyDown={(event) => event.key === "Enter" && open()}
    >
      {children}
    </a>
  );
}

/** A model's picture would be fetched from somewhere: its words are shown in its place. */
function MissingImage({ alt }: Tag<"img">) {
  const { t } = useTranslation();
  return (
    <span className="inline-flex items-center gap-1.5 rounded-md bg-muted px-2 text-muted-foreground text-sm">
      <ImageOff aria-hidden="true" className="size-3.5" />
      {alt ? t("chat.answer.image", { alt }) : t("chat.answer.imageWithoutText")}
    </span>
  );
}

function CodeBlock({ children }: Tag<"pre">) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const code = isValidElement<{ className?: string; children?: ReactNode }>(children) ? children.props : {};
  const language = /language-(\S+)/.exec(code.className ?? "")?.[1];
  return (
    <div className="overflow-hidden rounded-xl border bg-code">
      <div className="flex items-center justify-between border-b py-0.5 pr-1 pl-4 text-muted-foreground text-xs">
        <span>{language}</span>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label={t("chat.answer.copyCode")}
          onClick={() => copy(plainText(code.children))}
        >
          {copied ? <Check className="size-3.5" /> : <Copy className="size-3.5" />}
        </Button>
        <Spoken>{copied ? t("chat.answer.copied") : ""}</Spoken>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>
        <code>{plainText(code.children)}</code>
      </pre>
    </div>
  );
}

function Table({ children }: Tag<"table">) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div tabIndex={0} className="overflow-x-auto">
      <table>{children}</table>
    </div>
  );
}

function plainText(node: ReactNode): string {
  if (Array.isArray(node)) {
    return node.map(plainText).join("");
  }
  if (isValidElement<{ children?: ReactNode }>(node)) {
    return plainText(node.props.children);
  }
  return typeof node === "string" || typeof node === "number" ? String(node) : "";
}

const PLAIN = [
  "blockquote",
  "code",
  ...["h1", "h2", "h3", "h4", "h5", "h6"],
  ...["hr", "li", "ol", "p", "section", "strong", "sub", "sup", "ul"],
  ...["tbody", "td", "th", "thead", "tr"],
];

/** Plain elements in place of Streamdown's own, which bring controls that load, download and open things. */
const COMPONENTS = {
  ...Object.fromEntries(PLAIN.map((tag) => [tag, tag])),
  a: Link,
  img: MissingImage,
  pre: CodeBlock,
  table: Table,
};

/** No raw HTML: without `rehype-raw` a tag in the text is shown as text. */
const REHYPE_PLUGINS = Object.entries(defaultRehypePlugins)
  .filter(([name]) => name !== "raw")
  .map(([, plugin]) => plugin);

/** A model's answer, while it streams and afterwards. Nothing in it can load or open anything by itself. */
export const Markdown = memo(function Markdown({ text, streaming }: { text: string; streaming: boolean }) {
  return (
    <Streamdown
      className="markdown selectable"
      mode={streaming ? "streaming" : "static"}
      isAnimating={streaming}
      controls={false}
      linkSafety={{ enabled: false }}
      rehypePlugins={REHYPE_PLUGINS}
      components={COMPONENTS}
    >
      {text}
    </Streamdown>
  );
});
