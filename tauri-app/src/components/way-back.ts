/**
 * The way back to a control that has the focus: to itself, or to the nearest around it that is still on the page. With
 * the focus nowhere, a person at the keyboard would begin anew at the top of the page.
 */
export function wayBack(from: Element | null): () => void {
  const around: HTMLElement[] = [];
  for (let each = from; each instanceof HTMLElement && each !== document.body; each = each.parentElement) {
    around.push(each);
  }
  return () => {
    const [control, ...places] = around;
    if (control?.isConnected) {
      control.focus();
    } else if (document.activeElement === document.body) {
      // Nobody else has taken it. What has no name and nothing to press is no control: it is not framed as one.
      const place = places.find((each) => each.isConnected);
      if (place && !place.hasAttribute("tabindex")) {
        place.tabIndex = -1;
        place.style.outline = "none";
      }
      place?.focus({ preventScroll: true });
    }
  };
}
