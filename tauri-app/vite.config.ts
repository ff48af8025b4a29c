import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  build: {
    // The oldest WebViews that the app runs in: WKWebView of macOS 14.5, WebKitGTK 2.46.
    target: ["safari17.5"],
    // `default-src 'self'` allows no data: URL, so nothing is inlined into the bundle.
    assetsInlineLimit: 0,
    // One window that loads from disk: a single chunk is faster than several small ones.
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    css: false,
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
