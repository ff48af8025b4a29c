/** A scene of the preview, and what a person does in one. */
import type { Script, ShellReplay } from "../shell/replay";

export type Language = "en" | "zh";

export interface Scene {
  script: (language: Language) => Script;
  play?: (shell: ShellReplay, language: Language) => Promise<void>;
}

export const never = () => new Promise<never>(() => undefined);

export async function element<Element extends HTMLElement>(selector: string): Promise<Element> {
  for (;;) {
    const found = document.querySelector<Element>(selector);
    if (found) {
      return found;
    }
    await new Promise(requestAnimationFrame);
  }
}

export async function press(label: string): Promise<void> {
  (await element<HTMLButtonElement>(`button[aria-label="${label}"]`)).click();
}

export async function write(text: string, selector = "textarea"): Promise<void> {
  const field = await element<HTMLTextAreaElement | HTMLInputElement>(selector);
  const { prototype } = field instanceof HTMLInputElement ? HTMLInputElement : HTMLTextAreaElement;
  Object.getOwnPropertyDescriptor(prototype, "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export async function openMenu(selector: string): Promise<void> {
  const trigger = await element(selector);
  trigger.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0, pointerType: "mouse" }));
}

/** Names of controls that scenes press. */
export const LABELS = {
  en: { attach: "Attach pictures", send: "Send", stop: "Stop", edit: "Edit message", menu: "Settings" },
  zh: { attach: "添加图片", send: "发送", stop: "停止", edit: "修改消息", menu: "设置" },
};

/** Presses the first of the elements that has this text. */
export async function pressText(text: string, selector = "button"): Promise<void> {
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
