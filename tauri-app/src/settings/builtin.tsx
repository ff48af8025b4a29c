import { CircleCheck, Download, FolderOpen, ShieldCheck, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "@/components/error-note";
import { Button } from "@/components/ui/button";
import { formatBytes } from "@/i18n/quantity";
import { RpcError } from "@/rpc/error";
import type { BuiltinModel, ModelStatus } from "@/rpc/gen/protocol";
import { shellState } from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";
import { isMirror } from "@/splash/mirror";
import { type MirrorChoice, MirrorChooser } from "@/splash/mirror-chooser";
import { BuiltinWork } from "./builtin-work";
import { DeleteModel } from "./delete-model";
import { MemoryCard } from "./memory-card";
import { Badge, Card, Section } from "./section";
import { CAPABILITIES } from "./sources";
import { useBuiltinModel } from "./use-builtin-model";
import { useReported } from "./use-reported";

/** The model on this computer: what is on disk and in memory. */
export function Builtin({ sidecar }: { sidecar: Sidecar }) {
  const { t } = useTranslation();
  const { state, read, verify, download, cancel, remove } = useBuiltinModel(sidecar);
  const capabilities = useReported(sidecar, CAPABILITIES);
  const [deleting, setDeleting] = useState(false);
  const { model, status, work, outcome, error } = state;
  const here = status !== null && status.downloadedBytes > 0 && status.state !== "absent";
  return (
    <Section title={t("settings.sections.builtin")} intro={t("settings.builtin.intro")}>
      {model && status && (
        <Card role="group" aria-label={model.displayName}>
          <h3 className="px-5 pt-4 font-semibold">{model.displayName}</h3>
          <Facts model={model} status={status} />
          {work ? (
            <BuiltinWork work={work} onCancel={cancel} />
          ) : (
            <div className="flex flex-wrap items-center gap-2 border-t px-5 py-4">
              {status.state === "ready" && (
                <Button variant="outline" onClick={verify}>
                  <ShieldCheck />
                  {t("settings.builtin.verify")}
                </Button>
              )}
              {here && (
                <Button variant="outline" onClick={() => setDeleting(true)}>
                  <Trash2 />
                  {t("settings.builtin.delete")}
                </Button>
              )}
              <p role="status" className="text-sm">
                {outcome === "verified" ? (
                  <Badge tone="good" icon={<CircleCheck aria-hidden="true" />}>
                    {t("settings.builtin.verified")}
                  </Badge>
                ) : (
                  outcome !== null &&
                  t(outcome === "deleted" ? "settings.builtin.deleted" : "settings.builtin.verifyStopped")
                )}
              </p>
            </div>
          )}
        </Card>
      )}
      {error && <ErrorNote error={error} {...(model ? {} : { onRetry: read })} />}
      {model && status && !work && (status.state !== "ready" || status.update) && (
        <Fetch model={model} status={status} failed={error !== null} onDownload={download} />
      )}
      <MemoryCard sidecar={sidecar} />
      {deleting && status && (
        <DeleteModel
          bytes={status.downloadedBytes}
          jobs={capabilities.value?.filter(({ builtin }) => builtin) ?? []}
          onDelete={remove}
          onClose={() => setDeleting(false)}
        />
      )}
    </Section>
  );
}

function Facts({ model, status }: { model: BuiltinModel; status: ModelStatus }) {
  const { t, i18n } = useTranslation();
  const folder = useFolder();
  const bytes = (count: number) => formatBytes(count, i18n.language);
  const { downloadedBytes, totalBytes } = status;
  const size =
    status.state === "ready" || status.state === "verifying" || downloadedBytes === 0
      ? totalBytes === null
        ? t("settings.builtin.sizeUnknown")
        : bytes(totalBytes)
      : t("settings.builtin.sizePartly", {
          done: bytes(downloadedBytes),
          total: totalBytes === null ? t("settings.builtin.sizeUnknown") : bytes(totalBytes),
        });
  return (
    <dl className="grid gap-x-6 gap-y-1.5 px-5 pt-2 pb-4 text-sm sm:grid-cols-[7rem_1fr]">
      <Fact term={t("settings.builtin.state")}>
        <span className="inline-block first-letter:uppercase">{t(`status.${status.state}`)}</span>
      </Fact>
      <Fact term={t("settings.builtin.size")}>{size}</Fact>
      {folder && (
        <Fact term={t("settings.builtin.place")}>
          <FolderOpen aria-hidden="true" className="mr-1.5 inline size-3.5 text-muted-foreground" />
          {folder}
        </Fact>
      )}
      <Fact term={t("settings.builtin.repository")}>{model.repository}</Fact>
      <Fact term={t("settings.builtin.revision")}>
        {model.revision ? (
          <span className="font-mono text-xs">{model.revision}</span>
        ) : (
          t("settings.builtin.revisionUnknown")
        )}
      </Fact>
    </dl>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted-foreground">{term}</dt>
      <dd className="selectable min-w-0 break-all max-sm:mb-1.5">{children}</dd>
    </>
  );
}

type FetchProps = {
  model: BuiltinModel;
  status: ModelStatus;
  /** The attempt before did not end well: another source may. */
  failed: boolean;
  onDownload: (mirror: string) => void;
};

/** What is missing of the model, or a newer version of it, can be downloaded, from a source that the person may choose. */
function Fetch({ model, status, failed, onDownload }: FetchProps) {
  const { t, i18n } = useTranslation();
  const [choice, setChoice] = useState<MirrorChoice>({ listed: true, address: model.mirrors[0] ?? "" });
  const [refused, setRefused] = useState(false);
  const { update } = status;
  const damaged = status.state === "damaged";

  function start() {
    if (choice.listed || isMirror(choice.address)) {
      onDownload(choice.address.trim());
    } else {
      setRefused(true);
    }
  }

  return (
    <div>
      {damaged && !failed && (
        <ErrorNote error={new RpcError("model_not_ready", { details: { reason: "damaged" } })} />
      )}
      {update && (
        <div className="mb-4">
          <h3 className="font-semibold">{t("settings.builtin.update.title")}</h3>
          <p className="mt-1 text-muted-foreground text-sm">
            {t(
              update.missingBytes === null
                ? "settings.builtin.update.body"
                : "settings.builtin.update.bodySize",
              {
                size: formatBytes(update.missingBytes ?? 0, i18n.language),
              },
            )}
          </p>
        </div>
      )}
      <MirrorChooser
        mirrors={model.mirrors}
        choice={choice}
        invalid={refused}
        onChoose={(next) => {
          setChoice(next);
          setRefused(false);
        }}
      />
      <Button className="mt-4" onClick={start}>
        <Download />
        {t(
          update
            ? "settings.builtin.update.download"
            : damaged
              ? "settings.builtin.repair"
              : status.downloadedBytes > 0
                ? "settings.builtin.download"
                : "settings.builtin.downloadAgain",
        )}
      </Button>
    </div>
  );
}

/** The folder of the built-in models; null until it is known. */
function useFolder(): string | null {
  const [folder, setFolder] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    shellState().then(
      ({ dataDir }) => gone || setFolder(`${dataDir}/builtin_models`),
      // It is only shown: all else goes on without it.
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, []);
  return folder;
}
