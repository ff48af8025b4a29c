import { TriangleAlert } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { RpcError } from "@/rpc/error";
import { eraseEverything } from "@/rpc/shell";
import { Card } from "./section";

const GOES = ["model", "chats", "keys", "choices", "rest"] as const;

/** The way to leave nothing behind. */
export function EraseEverything() {
  const { t } = useTranslation();
  const [asked, setAsked] = useState(false);
  return (
    <Card role="group" aria-labelledby="settings-erase" className="mt-4 border-destructive/30 px-5 py-4">
      <div className="flex flex-wrap items-center justify-between gap-4">
        <div className="max-w-[28rem]">
          <h3 id="settings-erase" className="font-medium">
            {t("settings.storage.erase.title")}
          </h3>
          <p className="text-muted-foreground text-sm">{t("settings.storage.erase.intro")}</p>
        </div>
        <Button variant="destructive" size="sm" onClick={() => setAsked(true)}>
          {t("settings.storage.erase.open")}
        </Button>
      </div>
      {asked && <EraseDialog onClose={() => setAsked(false)} />}
    </Card>
  );
}

/** Nothing happens before the person has said twice that they want it, and then once more to the system. */
function EraseDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const [understood, setUnderstood] = useState(false);
  // From then on the system asks, and what it is told is done: only a no or a failure comes back here.
  const [handedOver, setHandedOver] = useState(false);
  const [error, setError] = useState<RpcError | null>(null);
  const keysStay = error?.kind === "keychain_unavailable";

  async function erase() {
    setHandedOver(true);
    setError(null);
    try {
      // True: the window goes with all else. False: the person said no in the system's own dialog.
      if (!(await eraseEverything(keysStay))) {
        setHandedOver(false);
      }
    } catch (cause) {
      setError(RpcError.from(cause));
      setHandedOver(false);
    }
  }

  if (handedOver) {
    return (
      <Dialog role="alertdialog" title={t("settings.storage.erase.title")} onClose={() => undefined}>
        <p role="status" className="mt-2 text-sm">
          {t("settings.storage.erase.handedOver")}
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      role="alertdialog"
      title={t("settings.storage.erase.question")}
      description={
        <>
          <p>{t("settings.storage.erase.lead")}</p>
          <ul className="grid list-disc gap-1 pl-5 text-foreground">
            {GOES.map((what) => (
              <li key={what}>{t(`settings.storage.erase.goes.${what}`)}</li>
            ))}
          </ul>
          <p>{t("settings.storage.erase.stays")}</p>
        </>
      }
      onClose={onClose}
    >
      <label
        htmlFor={id}
        className="mt-4 flex items-center gap-2.5 rounded-lg bg-destructive-soft px-3 py-2.5 text-sm"
      >
        <Checkbox
          id={id}
          checked={understood}
          onCheckedChange={(checked) => setUnderstood(checked === true)}
        />
        {t("settings.storage.erase.understood")}
      </label>
      {keysStay ? <KeysStay /> : error && <ErrorNote error={error} className="mt-3" />}
      <DialogActions>
        <Button variant="outline" onClick={onClose}>
          {t("settings.cancel")}
        </Button>
        <Button variant="destructive" disabled={!understood} onClick={() => void erase()}>
          {t(keysStay ? "settings.storage.erase.withoutKeys" : "settings.storage.erase.confirm")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function KeysStay() {
  const { t } = useTranslation();
  return (
    <div
      role="alert"
      className="mt-3 animate-rise rounded-xl border border-destructive/25 bg-destructive-soft px-4 py-3 text-sm"
    >
      <p className="flex items-center gap-2 font-medium">
        <TriangleAlert aria-hidden="true" className="size-4 shrink-0 text-destructive" />
        {t("settings.storage.erase.keychain.title")}
      </p>
      <p className="mt-0.5 pl-6">{t("settings.storage.erase.keychain.hint")}</p>
    </div>
  );
}
