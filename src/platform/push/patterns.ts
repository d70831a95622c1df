/**
 * Returns whether a pattern matches the whole text: `*` stands for any characters except `/`, `**` for any characters.
 * Takes at most the product of their lengths, because each kind of wildcard only ever extends its last occurrence. Pure.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let offset = 0;
  /** Where to continue after the last wildcard of each kind: in the pattern, and the end of what it stands for. */
  let star: { readonly next: number; end: number } | null = null;
  let doubleStar: { readonly next: number; end: number } | null = null;
  for (;;) {
    if (pattern[at] === '*') {
      if (pattern[at + 1] === '*') {
        at += 2;
        doubleStar = { next: at, end: offset };
        star = null;
      } else {
        at += 1;
        star = { next: at, end: offset };
      }
    } else if (offset < text.length && pattern[at] === text[offset]) {
      at++;
      offset++;
    } else if (offset === text.length && at === pattern.length) {
      return true;
    } else if (star !== null && star.end < text.length && text[star.end] !== '/') {
      star.end++;
      at = star.next;
      offset = star.end;
    } else if (doubleStar !== null && doubleStar.end < text.length) {
      doubleStar.end++;
      at = doubleStar.next;
      offset = doubleStar.end;
      star = null;
    } else {
      return false;
    }
  }
}
