import { useTranslation } from "react-i18next";
import { Details } from "@/components/details";
import { Diagnostics } from "@/components/diagnostics";
import { asText, type LogLine } from "./log-lines";

/** What happened so far, with times. */
export function Log({ log, open }: { log: readonly LogLine[]; open: boolean }) {
  const { t, i18n } = useTranslation();
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" });
  return (
    <Details open={open} className="mt-6" action={<Diagnostics lines={() => asText(log)} />}>
      {log.length === 0
        ? t("details.empty")
        : log.map((line) => (
            <p key={line.id}>
              <time dateTime={line.at.toISOString()}>{time.format(line.at)}</time>{" "}
              {line.status && `${t(`status.${line.status}`)} · `}
              {line.text}
              {line.stderr && `\n${line.stderr}`}
            </p>
          ))}
    </Details>
  );
}
