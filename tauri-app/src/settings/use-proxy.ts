import { useCallback, useEffect, useState } from "react";
import { RpcError } from "@/rpc/error";
import { type ProxyChoice, type ProxyState, proxyRenewToken, proxySet, proxyState } from "@/rpc/shell";

/** The localhost proxy as the shell has it, and what the person does with it. */
export function useProxy() {
  const [proxy, setProxy] = useState<ProxyState | null>(null);
  const [error, setError] = useState<RpcError | null>(null);
  const [busy, setBusy] = useState(true);

  const ask = useCallback(async (answer: Promise<ProxyState>) => {
    setBusy(true);
    try {
      setProxy(await answer);
      setError(null);
    } catch (cause) {
      setError(RpcError.from(cause));
    } finally {
      setBusy(false);
    }
  }, []);

  useEffect(() => void ask(proxyState()), [ask]);

  return {
    proxy,
    error,
    /** Whether an answer is awaited: the system's dialog may be open. */
    busy,
    set: (change: Partial<ProxyChoice>) => {
      if (proxy) {
        const { on, port, socket } = { ...proxy, ...change };
        void ask(proxySet({ on, port, socket }));
      }
    },
    /** Rejects where the keychain refuses: then the token is what it was. */
    renew: async () => setProxy(await proxyRenewToken()),
    read: () => void ask(proxyState()),
  };
}
