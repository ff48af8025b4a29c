/** The part of a mirror's address that people know it by; what is no address stays as it is. */
export function hostOf(mirror: string): string {
  return (URL.canParse(mirror) && new URL(mirror).host) || mirror;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether `text` is an address that a download can start from: https, or http on this computer, and no password in
 * it. The sidecar has the last word. */
export function isMirror(text: string): boolean {
  const url = URL.parse(text.trim());
  if (!url || url.username || url.password) {
    return false;
  }
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
}
