import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

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
  expect(css).toContain(`background: ${dark}`);
});
