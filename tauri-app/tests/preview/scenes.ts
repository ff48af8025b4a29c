import { KeptChats } from "../shell/chats";
import type { Script } from "../shell/replay";
import {
  computer,
  downloadEvent,
  engineStatus,
  failure,
  modelStatus,
  READY,
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

/** What was said before, so that the list of chats is not empty. */
const BEFORE = {
  en: [
    "Names for a paper boat",
    "Why leaves turn red",
    "Packing list for four days in Lisbon",
    "Tags for my recipes",
  ],
  zh: ["给纸船起个名字", "树叶为什么会变红", "里斯本四日行李清单", "给我的菜谱加标签"],
};

const DAY = 86_400_000;

function keptChats(language: Language): KeptChats {
  const chats = new KeptChats();
  for (const [index, title] of BEFORE[language].entries()) {
    const updatedAt = Date.now() - index ** 2 * DAY;
    chats.keep(`before-${index}`, title, [title, TALK[language].answer.join("")], {
      updatedAt,
      leavesComputer: index === 2,
    });
  }
  return chats;
}

/** A chat about a picture, with an answer that is whole, on its way, waited for, or broken off. */
function talk(end: "whole" | "open" | "loading" | "error" | "stopped"): Scene {
  let chats = new KeptChats();
  return {
    script: (language) => {
      chats = keptChats(language);
      chats.reply = end === "whole" ? TALK[language].answer : null;
      const status = () => engineStatus({ loading: end === "loading", loaded: end !== "loading" });
      return { ...pictures, answers: withModel(READY, { ...chats.answers, "engine/status": status }) };
    },
    play: async (_, language) => {
      await ask(language, TALK[language].question);
      if (end === "whole" || end === "loading") {
        return;
      }
      await element('article[aria-busy="true"]');
      for (const piece of TALK[language].answer.slice(0, 2)) {
        chats.piece(piece);
      }
      if (end === "error") {
        chats.breakOff("engine_failed");
      } else if (end === "stopped") {
        await press(LABELS[language].stop);
      }
    },
  };
}

/** The list of chats, and something done in it. */
const list = (play?: (language: Language) => Promise<void>): Scene => ({
  script: (language) => ({ answers: withModel(READY, keptChats(language).answers) }),
  play: async (_, language) => {
    await element("[data-chat]");
    await play?.(language);
  },
});

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
  empty: { script: () => ({ answers: withModel(READY, new KeptChats().answers) }) },
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
  loading: talk("loading"),
  streaming: talk("open"),
  chat: talk("whole"),
  chatError: talk("error"),
  chatStopped: talk("stopped"),
  chats: list(async () => (await element('[data-chat="before-2"]')).click()),
  chatsSearch: list((language) => write(language === "zh" ? "圆形" : "red", 'input[type="search"]')),
  chatsMenu: list(() => openMenu('nav [aria-haspopup="menu"]')),
  chatsRename: list(async () => {
    const entry = await element('[data-chat="before-1"]');
    entry.dispatchEvent(new KeyboardEvent("keydown", { key: "F2", bubbles: true }));
  }),
  chatsEdit: list(async (language) => {
    (await element('[data-chat="before-1"]')).click();
    await press(LABELS[language].edit);
  }),
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
