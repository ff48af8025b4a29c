import { useState } from "react";
import { RpcError } from "@/rpc/error";
import type { Provider } from "@/rpc/gen/protocol";
import { secretDelete, secretSet } from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";
import { addressProblem, PRESETS, type Preset, sameOrigin } from "./provider-address";

/** What is typed in; the key is written only, never read. */
export interface ProviderDraft {
  preset: Preset;
  name: string;
  address: string;
  key: string;
}

export type NameProblem = "missing" | "long";

/** What is wrong with the name that a person typed; null: nothing. */
export function nameProblem(name: string): NameProblem | null {
  const length = [...name.trim()].length;
  return length === 0 ? "missing" : length > 100 ? "long" : null;
}

/** Another kind of server: what its makers say is filled in, but never over what the person typed. */
export function withPreset(draft: ProviderDraft, preset: Preset): ProviderDraft {
  const before = PRESETS[draft.preset];
  const after = PRESETS[preset];
  return {
    ...draft,
    preset,
    name: draft.name === before.name ? after.name : draft.name,
    address: draft.address === before.address ? after.address : draft.address,
  };
}

/** Keeps what is typed, and saves it: first the provider, then its key. `provider`: the one to change, null: a new one. */
export function useProviderForm(sidecar: Sidecar, provider: Provider | null, onSaved: () => void) {
  const [draft, setDraft] = useState<ProviderDraft>(() =>
    provider
      ? { preset: provider.preset ?? "openai", name: provider.name, address: provider.baseUrl, key: "" }
      : { preset: "openai", ...PRESETS.openai, key: "" },
  );
  // Whoever saves again after the key failed changes the provider that is there, and makes no second one.
  const [saved, setSaved] = useState<Provider | null>(provider);
  const [submitted, setSubmitted] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<RpcError | null>(null);
  const moved =
    saved !== null && addressProblem(draft.address) === null && !sameOrigin(saved.baseUrl, draft.address);
  const hasKey = (saved?.hasSecret ?? false) && !moved;
  const problems = { name: nameProblem(draft.name), address: addressProblem(draft.address) };

  async function keepProvider(): Promise<Provider> {
    const name = draft.name.trim();
    const baseUrl = draft.address.trim();
    // An address that stays is not sent: the person agreed to it already.
    const address = saved?.baseUrl === baseUrl.replace(/\/+$/, "") ? {} : { baseUrl };
    const answer = await (saved
      ? sidecar.call("providers/update", { providerId: saved.id, name, ...address })
      : sidecar.call("providers/create", { name, baseUrl, preset: draft.preset }));
    return answer.provider;
  }

  /** `keep`: in the system's keychain; otherwise for this run. */
  async function save(keep = true): Promise<void> {
    setSubmitted(true);
    if (problems.name || problems.address || saving) {
      return;
    }
    setSaving(true);
    setError(null);
    try {
      const kept = await keepProvider();
      setSaved(kept);
      if (draft.key.trim() !== "") {
        await secretSet(kept.id, draft.key.trim(), keep);
      }
      onSaved();
    } catch (cause) {
      setError(RpcError.from(cause));
    } finally {
      setSaving(false);
    }
  }

  async function forgetKey(): Promise<void> {
    if (!saved) {
      return;
    }
    setError(null);
    try {
      await secretDelete(saved.id);
      setSaved({ ...saved, hasSecret: false });
    } catch (cause) {
      setError(RpcError.from(cause));
    }
  }

  return {
    draft,
    change: (part: Partial<ProviderDraft>) => setDraft((draft) => ({ ...draft, ...part })),
    choose: (preset: Preset) => setDraft((draft) => withPreset(draft, preset)),
    problems: submitted ? problems : { name: null, address: null },
    isNew: provider === null,
    moved,
    hasKey,
    saving,
    error,
    save,
    forgetKey,
  };
}
