import { useCallback, useEffect, useRef, useState } from "react";
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
  // Goes up with each request and with its answer: what was asked before is no news then.
  const turn = useRef(0);

  const look = useCallback(async function look() {
    const mine = turn.current;
    const state = await proxyState().catch(() => null);
    if (state && turn.current === mine) {
      setProxy(state);
    }
  }, []);

  const ask = useCallback(
    async function ask(request: () => Promise<ProxyState>): Promise<ProxyState | null> {
      turn.current += 1;
      const mine = turn.current;
      setBusy(true);
      try {
        const state = await request();
        if (turn.current !== mine) {
          return null;
        }
        setProxy(state);
        setTyped(null);
        setFailure(null);
        return state;
      } catch (cause) {
        if (turn.current === mine) {
          setFailure({ error: RpcError.from(cause), retry: () => void ask(request) });
          // What could not be kept may hold all the same.
          await look();
        }
        return null;
      } finally {
        if (turn.current === mine) {
          turn.current += 1;
          setBusy(false);
        }
      }
    },
    [look],
  );

  useEffect(() => void ask(proxyState), [ask]);

  // The shell says nothing by itself when the keychain has answered it, or the person.
  const waits = busy || (proxy !== null && isStarting(proxy));
  useEffect(() => {
    if (!waits) {
      return;
    }
    const timer = setInterval(() => void look(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [waits, look]);

  const shown = proxy && { ...proxy, port: typed ?? proxy.port };
  return {
    proxy: shown,
    failure,
    /** Whether an answer is awaited: the system's dialog may be open. */
    busy,
    /** Whether it can be switched: off also while an answer is awaited, of which nothing comes then. */
    switchable: !busy || proxy?.on === true,
    /** What it is then; null where that was refused, as `failure` says, or something else was asked for meanwhile. */
    set: async (change: Partial<ProxyChoice>) => {
      if (!shown) {
        return null;
      }
      const { on, port, socket, origins } = { ...shown, ...change };
      setTyped(port);
      return ask(() => proxySet({ on, port, socket, origins }));
    },
    /** Rejects where the keychain refuses: then the token is what it was. */
    renew: async () => {
      const mine = turn.current;
      const state = await proxyRenewToken();
      // Of what was chosen meanwhile its answer may know nothing.
      if (turn.current === mine) {
        setProxy(state);
      } else {
        await look();
      }
    },
  };
}
