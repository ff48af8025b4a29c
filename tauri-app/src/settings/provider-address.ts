import type { CreateParams } from "@/rpc/gen/protocol";

export type Preset = NonNullable<CreateParams["preset"]>;

/** What a kind of server is filled in with; the address is the one that its makers give it. */
export const PRESETS: Record<Preset, { name: string; address: string }> = {
  openai: { name: "", address: "" },
  ollama: { name: "Ollama", address: "http://localhost:11434/v1" },
  lmstudio: { name: "LM Studio", address: "http://localhost:1234/v1" },
  vllm: { name: "vLLM", address: "http://localhost:8000/v1" },
};

export const PRESET_NAMES: readonly Preset[] = ["openai", "ollama", "lmstudio", "vllm"];

export type AddressProblem = "empty" | "scheme" | "credentials" | "query" | "characters";

/** What is wrong with the address that a person typed; null: nothing. The sidecar has the last word. */
export function addressProblem(text: string): AddressProblem | null {
  const address = text.trim();
  if (address === "") {
    return "empty";
  }
  // Visible ASCII only: what a browser would quietly turn into something else is asked about instead.
  if (/[^\x21-\x7e]|\\/.test(address)) {
    return "characters";
  }
  const url = /^https?:\/\//i.test(address) ? URL.parse(address) : null;
  if (!url) {
    return "scheme";
  }
  if (url.username || url.password) {
    return "credentials";
  }
  return address.includes("?") || address.includes("#") ? "query" : null;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether it is another computer's address; what is no address is none. */
export function leavesComputer(address: string): boolean {
  const url = URL.parse(address.trim());
  return url !== null && !LOOPBACK.test(url.hostname);
}

/** Whether what is sent there could be read on the way. */
export function isPlain(address: string): boolean {
  return leavesComputer(address) && URL.parse(address.trim())?.protocol === "http:";
}

/** Whether a key that was given for the one address may be sent to the other. */
export function sameOrigin(one: string, other: string): boolean {
  const origin = URL.parse(one.trim())?.origin;
  return origin !== undefined && origin === URL.parse(other.trim())?.origin;
}
