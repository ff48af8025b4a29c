import { useCallback, useEffect, useState } from "react";
import { RpcError } from "@/rpc/error";
import { type ProxyChoice, type ProxyState, proxyRenewToken, proxySet, proxyState } from "@/rpc/shell";

/** Why the shell did not do it, and the same once more. */
interface Failure {
  error: RpcError;
  retry: () => void;
}

const AGAIN_MS = 1000;

/** It is on, and waits for its token: the system's keychain may ask the person first. */
export const isStarting = (proxy: ProxyState) => proxy.on && proxy.address === null && proxy.error === null;

/** The localhost proxy as the shell has it, and what the person does with it. */
export function useProxy() {
  const [proxy, setProxy] = useState<ProxyState | null>(null);
  // The port that was typed in last: it stays where the shell has not taken it.
  const [typed, setTyped] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(true);

  const ask = useCallback(async function ask(request: () => Promise<ProxyState>): Promise<ProxyState | null> {
    setBusy(true);
    try {
      const state = await request();
      setProxy(state);
      setTyped(null);
      setFailure(null);
      return state;
    } catch (cause) {
      setFailure({ error: RpcError.from(cause), retry: () => void ask(request) });
      // What could not be kept may hold all the same.
      await proxyState().then(setProxy, () => undefined);
      return null;
    } finally {
      setBusy(false);
    }
  }, []);

  useEffect(() => void ask(proxyState), [ask]);

  // The shell says nothing by itself when the keychain has answered it.
  useEffect(() => {
    if (!proxy || !isStarting(proxy)) {
      return;
    }
    const timer = setTimeout(() => void proxyState().then(setProxy, () => undefined), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [proxy]);

  const shown = proxy && { ...proxy, port: typed ?? proxy.port };
  return {
    proxy: shown,
    failure,
    /** Whether an answer is awaited: the system's dialog may be open. */
    busy,
    /** What it is then; null where that was refused, as `failure` says. */
    set: async (change: Partial<ProxyChoice>) => {
      if (!shown) {
        return null;
      }
      const { on, port, socket, origins } = { ...shown, ...change };
      setTyped(port);
      return ask(() => proxySet({ on, port, socket, origins }));
    },
    /** Rejects where the keychain refuses: then the token is what it was. */
    renew: async () => setProxy(await proxyRenewToken()),
  };
}
