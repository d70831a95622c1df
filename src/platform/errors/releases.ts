const RELEASE = /^(?:(.{1,200})@)?v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]{1,100}))?(?:\+.*)?$/;

const compareTexts = (first: string, second: string): number => (first < second ? -1 : first > second ? 1 : 0);

/** Compares pre-release identifiers (SemVer 2.0, section 11). Numeric identifiers are lower than alphanumeric ones. */
function compareIdentifiers(first: string | undefined, second: string | undefined): number {
  if (first === undefined || second === undefined) return Number(first !== undefined) - Number(second !== undefined);
  const areNumbers = [first, second].map((identifier) => /^\d+$/.test(identifier));
  if (areNumbers[0] && areNumbers[1]) return Number(first) - Number(second);
  return areNumbers[0] === areNumbers[1] ? compareTexts(first, second) : areNumbers[0] ? -1 : 1;
}

/**
 * Compares two releases such as `shop@2.4.0`: returns a negative number if the first is earlier, 0 if they are equal,
 * null if they cannot be compared. Pure.
 */
export function compareReleases(first: string, second: string): number | null {
  if (first === second) return 0;
  const [firstMatch, secondMatch] = [RELEASE.exec(first), RELEASE.exec(second)];
  if (firstMatch === null || secondMatch === null || firstMatch[1] !== secondMatch[1]) return null;
  for (const part of [2, 3, 4]) {
    const difference = Number(firstMatch[part] ?? 0) - Number(secondMatch[part] ?? 0);
    if (difference !== 0) return difference;
  }
  if (firstMatch[5] === undefined || secondMatch[5] === undefined)
    return Number(firstMatch[5] === undefined) - Number(secondMatch[5] === undefined);
  const [identifiers, otherIdentifiers] = [firstMatch[5].split('.'), secondMatch[5].split('.')];
  for (let index = 0; index < Math.max(identifiers.length, otherIdentifiers.length); index++) {
    const difference = compareIdentifiers(identifiers[index], otherIdentifiers[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether an error shows that its issue was not fixed in the release `fixedIn`: the error has no release, its release is
 * `fixedIn` or later, or its release cannot be compared with `fixedIn` and was not seen before. Pure.
 */
export function isRegression(release: string | null, fixedIn: string, seenBefore: ReadonlySet<string>): boolean {
  if (release === null) return true;
  const difference = compareReleases(release, fixedIn);
  return difference === null ? !seenBefore.has(release) : difference >= 0;
}
