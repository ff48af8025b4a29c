import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { STEPS } from "@/splash/stage";

const page = new DOMParser().parseFromString(readFileSync("index.html", "utf8"), "text/html");

test("the page keeps to a policy without inline scripts and styles, and loads nothing from elsewhere", () => {
  expect(page.querySelectorAll("style, [style], script:not([src])")).toHaveLength(0);
  const inline = [...page.querySelectorAll("*")].flatMap((element) =>
    element.getAttributeNames().filter((name) => name.startsWith("on")),
  );
  expect(inline).toEqual([]);
  const addresses = [...page.querySelectorAll("[src], [href]")].map(
    (element) => element.getAttribute("src") ?? element.getAttribute("href") ?? "",
  );
  expect(addresses.filter((address) => !address.startsWith("/"))).toEqual([]);
});

test("something calm is on screen before the bundle has run, in both themes", () => {
  expect(page.querySelector("#root main")?.textContent).toContain("Knowledge Focus");
  const css = readFileSync("public/first-paint.css", "utf8");
  const tokens = readFileSync("src/styles/tokens.css", "utf8");
  const [, light = "?", dark = "?"] = /--background: light-dark\((#\w+), (#\w+)\)/.exec(tokens) ?? [];
  expect(css).toContain(`background: ${light}`);
  expect(css).toContain("prefers-color-scheme: dark");
  expect(css).toContain("prefers-reduced-motion: reduce");
  expect(css).toContain(`background: ${dark}`);
  for (const token of ["primary", "accent"]) {
    const [, day = "?", night = "?"] =
      new RegExp(`--${token}: light-dark\\((#\\w+), (#\\w+)\\)`).exec(tokens) ?? [];
    expect(css).toContain(`--first-paint-${token}: ${day}`);
    expect(css).toContain(`--first-paint-${token}: ${night}`);
  }
});

test("the first paint shows the app's own mark and as many steps as the start has, as the preview does", () => {
  const paths = (markup: string) => [...markup.matchAll(/ d="([^"]+)"/g)].map(([, path]) => path);
  expect(paths(readFileSync("index.html", "utf8"))).toEqual(
    paths(readFileSync("src/components/mark.tsx", "utf8")),
  );
  expect(page.querySelectorAll(".first-paint-steps > *")).toHaveLength(STEPS.length);
  const preview = readFileSync("tests/preview/index.html", "utf8");
  const shown = new DOMParser().parseFromString(preview, "text/html").querySelector("#root");
  expect(shown?.innerHTML).toBe(page.querySelector("#root")?.innerHTML);
});

test("nothing but the wait for the first paint runs before it", () => {
  expect([...page.scripts].map((script) => script.getAttribute("src"))).toEqual(["/src/boot.ts"]);
  expect(readFileSync("src/boot.ts", "utf8")).not.toMatch(/^import /m);
});
