import { useCallback, useState } from "react";
import { ChatPage } from "./chat/chat-page";
import { TooltipProvider } from "./components/ui/tooltip";
import { useComposedEscape } from "./components/use-composed-escape";
import { PreferencesProvider } from "./preferences/preferences";
import { EngineDown } from "./recovery/engine-down";
import { Recovered } from "./recovery/recovered";
import type { KnownChoices } from "./rpc/shell";
import type { Sidecar } from "./rpc/sidecar";
import { Splash } from "./splash/splash";

/** The splash until the model is on this computer, then the chat. */
export function App({ sidecar, preferences }: { sidecar: Sidecar; preferences: KnownChoices }) {
  const [ready, setReady] = useState(false);
  const enter = useCallback(() => setReady(true), []);
  const leave = useCallback(() => setReady(false), []);
  useComposedEscape();
  return (
    <PreferencesProvider initial={preferences}>
      <TooltipProvider delayDuration={500}>
        <div className="flex h-full flex-col">
          <Recovered sidecar={sidecar} />
          {ready && <EngineDown sidecar={sidecar} />}
          <div className="min-h-0 grow">
            {ready ? (
              <ChatPage sidecar={sidecar} onModelMissing={leave} />
            ) : (
              <Splash sidecar={sidecar} onReady={enter} />
            )}
          </div>
        </div>
      </TooltipProvider>
    </PreferencesProvider>
  );
}
