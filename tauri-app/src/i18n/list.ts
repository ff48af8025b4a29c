/** Names as people would list them: "Vision, Text", in Chinese with its own commas. */
export function formatList(names: readonly string[], language: string): string {
  return new Intl.ListFormat(language, { style: "narrow", type: "conjunction" }).format(names);
}
