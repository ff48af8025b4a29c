import "./no-eval";
import "./i18n";
import "./styles/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { loadPreferences } from "./preferences/preferences";
import { Sidecar } from "./rpc/sidecar";

async function start(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) {
    throw new Error("index.html has no #root");
  }
  // What the first paint shows stays until the language and the theme are known.
  const preferences = await loadPreferences();
  createRoot(root).render(
    <StrictMode>
      <App sidecar={new Sidecar()} preferences={preferences} />
    </StrictMode>,
  );
}

void start();
