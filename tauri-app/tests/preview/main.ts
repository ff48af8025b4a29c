/** Plays one scene: `?scene=NAME&language=en|zh&theme=light|dark`. */
import { ShellReplay } from "../shell/replay";
import { SCENES } from "./scenes";

document.addEventListener("securitypolicyviolation", (event) => {
  document.title = `VIOLATION ${event.violatedDirective} ${event.blockedURI}`;
});

const query = new URLSearchParams(location.search);
const scene = SCENES[query.get("scene") ?? "consent"];
if (!scene) {
  throw new Error(`no such scene; there are: ${Object.keys(SCENES).join(", ")}`);
}
const language = query.get("language") === "zh" ? "zh" : "en";
const theme = query.get("theme") === "dark" ? "dark" : "light";
const shell = new ShellReplay({ ...scene.script(language), preferences: { language, theme } });
await import("@/main");
await scene.play?.(shell, language);

// `&axe`: what axe finds in a real layout, colours included, as the document's title.
if (query.has("axe")) {
  const { default: axe } = await import("axe-core");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { violations } = await axe.run(document);
  document.title = `AXE ${JSON.stringify(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))}`;
}
