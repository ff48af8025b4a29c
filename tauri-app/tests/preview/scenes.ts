import type { Script, ShellReplay } from "../shell/replay";
import {
  completion,
  computer,
  downloadEvent,
  engineStatus,
  failure,
  modelStatus,
  READY,
  sendPiece,
  withModel,
} from "../shell/sidecar";
import { element, LABELS, type Language, never, openMenu, press, type Scene, write } from "./scene";
import { SETTINGS_SCENES } from "./settings-scenes";

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
  recovered: {
    script: () => {
      const setAside = "/home/a/.local/share/knowledge-focus.huozhong.in/copies/damaged-1790000000000.db";
      const recovery = { setAside, copiedAt: 1_789_950_000_000, recoveredAt: 1_790_000_000_000 };
      return { answers: withModel(READY, { "store/status": () => ({ recovery }) }) };
    },
  },
  ...SETTINGS_SCENES,
};
