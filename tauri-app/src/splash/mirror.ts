/** The part of a mirror's address that people know it by; what is no address stays as it is. */
export function hostOf(mirror: string): string {
  return (URL.canParse(mirror) && new URL(mirror).host) || mirror;
}

/** Whether `text` is an address that a download can start from. */
export function isMirror(text: string): boolean {
  return /^https?:\/\//i.test(text.trim()) && URL.canParse(text.trim());
}
