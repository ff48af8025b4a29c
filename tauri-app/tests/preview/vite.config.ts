import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import window from "../../vite.config";

/** The window without a shell, in an ordinary browser: `npm run preview`, then open it with `?scene=chat` and the like. */
export default mergeConfig(
  window,
  defineConfig({
    root: fileURLToPath(new URL(".", import.meta.url)),
    publicDir: fileURLToPath(new URL("../../public", import.meta.url)),
    build: {
      outDir: fileURLToPath(new URL("../../node_modules/.cache/preview", import.meta.url)),
      emptyOutDir: true,
    },
    preview: { port: 1421, strictPort: true },
  }),
);
