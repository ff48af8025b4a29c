import { useTranslation } from "react-i18next";
import type { Assignment } from "@/rpc/gen/protocol";

/** The names of jobs as people would list them: "Vision, Text". */
export function useJobNames(jobs: readonly Assignment[]): string {
  const { t, i18n } = useTranslation();
  const names = jobs.map(({ capability }) => t(`settings.abilities.${capability}`));
  return new Intl.ListFormat(i18n.language, { style: "narrow", type: "conjunction" }).format(names);
}
