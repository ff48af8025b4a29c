import { useTranslation } from "react-i18next";
import { formatList } from "@/i18n/list";
import type { Assignment } from "@/rpc/gen/protocol";

/** The names of jobs, in a list. */
export function useJobNames(jobs: readonly Assignment[]): string {
  const { t, i18n } = useTranslation();
  const names = jobs.map(({ capability }) => t(`settings.abilities.${capability}`));
  return formatList(names, i18n.language);
}
