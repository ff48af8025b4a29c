import en from "@/i18n/en.json";
import zh from "@/i18n/zh.json";
import type { TestResult } from "@/rpc/gen/protocol";
import { assignment, BUILTIN, withProviders } from "../shell/providers";
import type { Answers, ShellReplay } from "../shell/replay";
import { withSettings } from "../shell/settings";
import {
  completion,
  downloadEvent,
  engineStatus,
  failure,
  MODEL,
  modelStatus,
  READY,
  withModel,
} from "../shell/sidecar";
import { withStorage } from "../shell/storage";
import { element, LABELS, never, openMenu, press, pressText, type Scene, write } from "./scene";

type SectionName = Exclude<keyof typeof en.settings.sections, "label">;

/** Opens one section of Settings, through the menu; `then` goes on from there. */
const settings = (
  section: SectionName,
  answers: Answers,
  then?: (shell: ShellReplay, texts: typeof en.settings) => Promise<void>,
): Scene => ({
  script: () => ({ answers: withModel(READY, { ...withProviders(), ...withSettings(), ...answers }) }),
  play: async (shell, language) => {
    const texts = (language === "zh" ? zh : en).settings;
    await element("textarea");
    await openMenu(`button[aria-label="${LABELS[language].menu}"]`);
    (await element('[role="menuitem"]')).click();
    await pressText(texts.sections[section], "nav button");
    await element("#settings-section");
    await then?.(shell, texts);
  },
});

const TESTED: TestResult[] = [
  { ability: "models", works: true, seconds: 0.1, kind: null, reason: null },
  { ability: "text", works: true, seconds: 0.9, kind: null, reason: null },
  { ability: "structured_output", works: true, seconds: 1.6, kind: null, reason: null },
  {
    ability: "tool_use",
    works: false,
    seconds: 0.3,
    kind: "provider_rejected",
    reason: "this model does not support tools",
  },
];

const AWAY = withProviders(undefined, {
  vision: assignment("vision", "elsewhere-large"),
  text: assignment("text", "ollama-qwen", { ready: false, kind: "provider_unreachable" }),
  structured_output: assignment("structured_output", "elsewhere-large"),
});

const LOADED: Answers = {
  "models/list": () => ({
    models: [{ ...MODEL, revision: "6a2a1f1f3bd0c4b0a7d5f4a5c8f0f6b5d2e1c3a4", state: "ready" }],
  }),
  "engine/status": () =>
    engineStatus({ loaded: true, activeBytes: 3_100_000_000, budgetBytes: 6_400_000_000 }),
};

/** Every section of Settings, and the questions that it asks. */
export const SETTINGS_SCENES: Record<string, Scene> = {
  capabilities: settings("capabilities", {}),
  capabilitiesAway: settings(
    "capabilities",
    {
      ...AWAY,
      "chat/completions": () => completion("A red circle on a light ground."),
    },
    async (_, texts) => {
      await element("main li");
      await pressText(texts.capabilities.try.start);
    },
  ),
  capabilitiesMenu: settings("capabilities", {}, () => openMenu('main li [aria-haspopup="menu"]')),
  capabilitiesRefused: settings(
    "capabilities",
    {
      "capabilities/assign": () => {
        throw failure("consent_refused");
      },
    },
    async () => {
      await openMenu('main li [aria-haspopup="menu"]');
      await pressText("Large VL", '[role="menuitemradio"]');
    },
  ),
  providers: settings("providers", {}),
  providersNone: settings("providers", withProviders([BUILTIN])),
  providersTest: settings(
    "providers",
    {
      "providers/test": (call) => {
        for (const result of TESTED) {
          call.notify({ method: "providers/tested", params: { requestId: call.requestId, result } });
        }
        return { results: TESTED };
      },
    },
    (_, texts) => pressText(texts.providers.models.test),
  ),
  providersFind: settings("providers", {}, (_, texts) => pressText(texts.providers.models.find)),
  providersAdd: settings("providers", {}, async (_, texts) => {
    await pressText(texts.providers.add);
    await pressText("vLLM", '[role="dialog"] label');
  }),
  providersRemove: settings(
    "providers",
    withProviders(undefined, { text: assignment("text", "ollama-qwen") }),
    (_, texts) => press(texts.providers.remove),
  ),
  builtin: settings("builtin", LOADED),
  builtinVerify: settings("builtin", { ...LOADED, "models/verify": never }, async (shell, texts) => {
    await pressText(texts.builtin.verify);
    await element('[role="progressbar"]');
    shell.notify({ method: "builtin-model-download-progress", params: downloadEvent() });
  }),
  builtinDelete: settings("builtin", LOADED, (_, texts) => pressText(texts.builtin.delete)),
  builtinAbsent: settings(
    "builtin",
    { ...LOADED, "models/delete": () => modelStatus(), "engine/status": () => engineStatus() },
    async (_, texts) => {
      await pressText(texts.builtin.delete);
      await pressText(texts.builtin.deletion.confirm);
    },
  ),
  storage: settings("storage", withStorage()),
  storageClear: settings("storage", withStorage(), async (_, texts) => {
    await pressText(texts.storage.clear);
  }),
  storageErase: settings("storage", withStorage(), async (_, texts) => {
    await pressText(texts.storage.erase.open);
    (await element('[role="checkbox"]')).click();
  }),
  general: settings("general", withSettings({ unloadMinutes: 120 })),
  providersPlain: settings("providers", {}, async (_, texts) => {
    await pressText(texts.providers.add);
    await write("Lab", '[role="dialog"] input[type="text"]');
    await write("http://192.168.1.4:8000/v1", 'input[type="url"]');
    await pressText(texts.providers.form.save);
  }),
};
