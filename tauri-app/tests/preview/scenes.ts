import en from "@/i18n/en.json";
import zh from "@/i18n/zh.json";
import type { TestResult } from "@/rpc/gen/protocol";
import { assignment, BUILTIN, withProviders } from "../shell/providers";
import type { Answers, Script, ShellReplay } from "../shell/replay";
import { withSettings } from "../shell/settings";
import {
  completion,
  computer,
  downloadEvent,
  engineStatus,
  failure,
  MODEL,
  modelStatus,
  READY,
  sendPiece,
  withModel,
} from "../shell/sidecar";

type Language = "en" | "zh";

interface Scene {
  script: (language: Language) => Script;
  play?: (shell: ShellReplay, language: Language) => Promise<void>;
}

const never = () => new Promise<never>(() => undefined);

const TALK = {
  en: {
    question: "What is in this picture, and how would you tag it?",
    answer: [
      "The picture shows **a red circle** on a light grey ground. It stands a little left of the middle and fills about a third of the width.\n\n",
      "These tags would fit:\n\n",
      "- `shape`: circle\n- `colour`: red\n- `background`: plain, light\n\n",
      "As a rule for the scan you could write:\n\n```python\ndef tags(picture):\n    return {shape(picture), colour(picture)}\n```\n\n",
      "| Tag | Certainty |\n|---|---|\n| circle | high |\n| red | high |\n\nMore about tags is on [this page](https://example.com/tags).",
    ],
  },
  zh: {
    question: "这张图片里有什么？可以给它哪些标签？",
    answer: [
      "图片中是浅灰色背景上的**一个红色圆形**，位置略偏左，宽度约占画面的三分之一。\n\n",
      "适合的标签：\n\n- `形状`：圆形\n- `颜色`：红色\n- `背景`：浅色、纯色\n\n",
      "更多说明见[这个页面](https://example.com/tags)。",
    ],
  },
};

async function picture(): Promise<ArrayBuffer> {
  const canvas = new OffscreenCanvas(480, 360);
  const draw = canvas.getContext("2d");
  if (draw) {
    draw.fillStyle = "#e9e7e1";
    draw.fillRect(0, 0, 480, 360);
    draw.fillStyle = "#d0342c";
    draw.arc(200, 180, 90, 0, 7);
    draw.fill();
  }
  return (await canvas.convertToBlob()).arrayBuffer();
}

const PICTURE = { url: "attachment:0001", name: "red circle.png", size: 2048, mime: "image/png" };
const pictures = { pick: () => [PICTURE], attachmentBytes: picture };

async function element<Element extends HTMLElement>(selector: string): Promise<Element> {
  for (;;) {
    const found = document.querySelector<Element>(selector);
    if (found) {
      return found;
    }
    await new Promise(requestAnimationFrame);
  }
}

async function press(label: string): Promise<void> {
  (await element<HTMLButtonElement>(`button[aria-label="${label}"]`)).click();
}

async function write(text: string): Promise<void> {
  const field = await element<HTMLTextAreaElement>("textarea");
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

const LABELS = {
  en: { attach: "Attach pictures", send: "Send", menu: "Settings" },
  zh: { attach: "添加图片", send: "发送", menu: "设置" },
};

async function ask(language: Language, text: string): Promise<void> {
  await press(LABELS[language].attach);
  await element("ul img");
  await write(text);
  await press(LABELS[language].send);
}

const answering =
  (end: "whole" | "open" | "loading" | "error") =>
  (language: Language): Script => ({
    ...pictures,
    answers: withModel(READY, {
      "engine/status": () => engineStatus({ loading: end === "loading", loaded: end !== "loading" }),
      "chat/completions": (call) => {
        if (end === "loading") {
          return never();
        }
        if (end === "error") {
          throw failure("engine_failed", true);
        }
        const { answer } = TALK[language];
        const sent = end === "whole" ? answer : answer.slice(0, 2);
        for (const piece of sent) {
          sendPiece(call, piece);
        }
        return end === "whole" ? completion(answer.join("")) : never();
      },
    }),
  });

const talk = async (_: ShellReplay, language: Language) => ask(language, TALK[language].question);

async function openMenu(selector: string): Promise<void> {
  const trigger = await element(selector);
  trigger.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0, pointerType: "mouse" }));
}

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

/** Presses the first of the elements that has this text. */
async function pressText(text: string, selector = "button"): Promise<void> {
  for (;;) {
    const elements = document.querySelectorAll<HTMLElement>(selector);
    const found = [...elements].find((element) => element.textContent?.trim() === text);
    if (found && !found.matches(":disabled")) {
      found.click();
      return;
    }
    await new Promise(requestAnimationFrame);
  }
}

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

const FETCHING = {
  source: "https://pypi.org/simple",
  bytes: 210_000_000,
  lines: [
    "Resolved 87 packages in 0.52ms",
    "Downloading mlx (40.1MiB)",
    "Downloading transformers (11.4MiB)",
  ],
};

const beforeEngine = (environment: Script["environment"]): Script => ({
  answers: {},
  sidecar: { state: "starting" },
  ...(environment && { environment }),
});

export const SCENES: Record<string, Scene> = {
  environment: { script: () => beforeEngine({ ...FETCHING, state: "syncing" }) },
  environmentSlow: { script: () => beforeEngine({ ...FETCHING, state: "slow" }) },
  environmentFailed: {
    script: () => {
      const error = {
        ...failure("environment_index_unreachable", true),
        details: { interpreter: true },
      };
      return beforeEngine({ ...FETCHING, state: "failed", error });
    },
  },
  engine: { script: () => ({ answers: {}, sidecar: { state: "starting" } }) },
  unable: {
    script: () => ({
      answers: withModel(
        {},
        {
          "computer/describe": () =>
            computer({ verdict: "unable", reasons: ["disk_too_small"], tokensPerSecond: null }),
        },
      ),
    }),
  },
  importing: {
    script: () => ({
      answers: withModel({}, { "models/import": () => modelStatus({ state: "downloading" }) }),
      commands: { pick_folder: () => "/home/a/model" },
    }),
    play: async (shell) => {
      (await element<HTMLButtonElement>("section > button:nth-of-type(2)")).click();
      await element('[role="progressbar"]');
      shell.notify({ method: "builtin-model-download-progress", params: downloadEvent() });
    },
  },
  access: { script: () => ({ answers: withModel(READY), commands: { disk_access: () => false } }) },
  help: {
    script: () => ({ answers: withModel() }),
    play: async () => (await element<HTMLButtonElement>("header button")).click(),
  },
  checking: { script: () => ({ answers: { "models/list": never } }) },
  consent: { script: () => ({ answers: withModel() }) },
  resume: { script: () => ({ answers: withModel({ state: "partial", downloadedBytes: 1_200_000_000 }) }) },
  downloading: {
    script: () => ({ answers: withModel({ state: "downloading" }) }),
    play: async (shell) => {
      await element('[role="progressbar"]');
      shell.notify({ method: "builtin-model-download-progress", params: downloadEvent() });
    },
  },
  error: {
    script: () => ({ answers: withModel({ state: "downloading" }) }),
    play: async (shell) => {
      await element('[role="progressbar"]');
      const event = downloadEvent({ status: "failed", message: "connection refused" });
      shell.notify({
        method: "builtin-model-download-failed",
        params: { ...event, kind: "mirror_unreachable" },
      });
    },
  },
  empty: { script: () => ({ answers: withModel(READY) }) },
  menu: {
    script: () => ({ answers: withModel(READY) }),
    play: async (_, language) => {
      await element("textarea");
      await openMenu(`button[aria-label="${LABELS[language].menu}"]`);
    },
  },
  attached: {
    script: () => ({ ...pictures, answers: withModel(READY) }),
    play: async (_, language) => {
      await press(LABELS[language].attach);
      await write(TALK[language].question);
    },
  },
  loading: { script: answering("loading"), play: talk },
  streaming: { script: answering("open"), play: talk },
  chat: { script: answering("whole"), play: talk },
  chatError: { script: answering("error"), play: talk },
  drop: {
    script: () => ({ answers: withModel(READY) }),
    play: async (shell) => {
      await element("textarea");
      shell.drag("enter", ["/home/a/picture.png"]);
    },
  },
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
  capabilitiesConsent: settings("capabilities", {}, async () => {
    await openMenu('main li [aria-haspopup="menu"]');
    await pressText("Large VL", '[role="menuitemradio"]');
  }),
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
  general: settings("general", withSettings({ unloadMinutes: 120 })),
};
