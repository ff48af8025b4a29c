import { RotateCw } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorLine, errorText } from "@/components/error-text";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { formatBytes } from "@/i18n/quantity";
import { RpcError } from "@/rpc/error";
import type { EnvironmentState, Mirrors, Typed } from "@/rpc/shell";
import { hostOf } from "./mirror";
import { Trouble } from "./trouble";
import { Slow, Waiting } from "./waiting";

type EnvironmentProps = {
  environment: EnvironmentState;
  troubled: boolean;
  onRetry: (mirrors: Typed) => Promise<void>;
  onCancel: () => void;
};

/** The app's own Python and its packages: how it goes, and what to do where it does not. */
export function Environment({ environment, troubled, onRetry, onCancel }: EnvironmentProps) {
  const { t } = useTranslation();
  const failed = environment.state === "failed";
  return (
    <>
      {failed ? (
        <Failed error={environment.error} />
      ) : (
        <Waiting step="environment">
          <Fetched environment={environment} />
          {environment.state === "slow" && <Slow hint={t("splash.environment.slow")} />}
        </Waiting>
      )}
      {troubled && (
        <Addresses mirrors={environment.mirrors} onRetry={onRetry} {...(!failed && { onCancel })} />
      )}
    </>
  );
}

function Failed({ error }: Pick<EnvironmentState, "error">) {
  const { t } = useTranslation();
  const special = error && wordsOf(error);
  const { title, hint } = special
    ? { title: t(`splash.environment.${special}.title`), hint: t(`splash.environment.${special}.hint`) }
    : errorText(t, error ?? new RpcError("environment_failed"));
  return <Trouble title={title} hint={hint} />;
}

/** What has other words here than the usual ones for its kind. */
function wordsOf({ kind, details }: NonNullable<EnvironmentState["error"]>) {
  switch (kind) {
    case "request_cancelled":
      // The person stopped it, and it is no request of a chat.
      return "stopped";
    case "environment_index_unreachable":
    case "environment_index_failed":
      // Python itself comes from elsewhere than the packages: another package source would not help.
      return details.interpreter === true ? "noPython" : null;
    default:
      return null;
  }
}

/** What comes over the network, how much of it and from where, if anything does. */
function Fetched({ environment: { source, bytes } }: { environment: EnvironmentState }) {
  const { t, i18n } = useTranslation();
  if (source === null) {
    return null;
  }
  const from = hostOf(source);
  return (
    <p className="text-muted-foreground text-sm">
      {bytes === null
        ? t("splash.environment.fetching", { source: from })
        : t("splash.environment.fetchingBytes", { source: from, size: formatBytes(bytes, i18n.language) })}
    </p>
  );
}

type AddressesProps = {
  mirrors: Mirrors;
  onRetry: EnvironmentProps["onRetry"];
  onCancel?: () => void;
};

/** Where to fetch from instead: at first what the last attempt went by. */
function Addresses({ mirrors, onRetry, onCancel }: AddressesProps) {
  const { t } = useTranslation();
  const [index, setIndex] = useState(mirrors.index ?? "");
  const [python, setPython] = useState(mirrors.python ?? "");
  const [refused, setRefused] = useState<RpcError | null>(null);

  function retry(event: FormEvent) {
    event.preventDefault();
    setRefused(null);
    onRetry({ index: index.trim(), python: python.trim() }).catch((cause: unknown) =>
      setRefused(RpcError.from(cause)),
    );
  }

  return (
    <form noValidate onSubmit={retry} className="mt-6 grid gap-4">
      <Address
        label={t("splash.environment.index")}
        variable="UV_DEFAULT_INDEX"
        example="https://pypi.tuna.tsinghua.edu.cn/simple"
        value={index}
        refused={refused?.details.field === "python" ? null : refused}
        onChange={setIndex}
      />
      <Address
        label={t("splash.environment.python")}
        variable="UV_PYTHON_INSTALL_MIRROR"
        example="https://"
        value={python}
        refused={refused?.details.field === "python" ? refused : null}
        onChange={setPython}
      />
      <div className="flex gap-3">
        <Button type="submit" size="lg" className="grow">
          <RotateCw />
          {t("splash.error.retry")}
        </Button>
        {onCancel && (
          <Button variant="outline" size="lg" onClick={onCancel}>
            {t("splash.environment.cancel")}
          </Button>
        )}
      </div>
    </form>
  );
}

type AddressProps = {
  label: string;
  variable: string;
  example: string;
  value: string;
  refused: RpcError | null;
  onChange: (text: string) => void;
};

function Address({ label, variable, example, value, refused, onChange }: AddressProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      <Input
        id={id}
        type="url"
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        placeholder={example}
        aria-invalid={refused !== null}
        aria-describedby={`${id}-hint`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className="text-[0.8125rem] text-muted-foreground">
        {refused ? (
          <span role="alert" className="text-destructive">
            {errorLine(t, refused)}
          </span>
        ) : (
          t("splash.environment.variable", { variable })
        )}
      </p>
    </div>
  );
}
