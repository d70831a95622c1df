const RELEASE = /^(?:(.{1,200})@)?v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]{1,100}))?(?:\+.*)?$/;

const compareTexts = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Compares identifiers of pre-releases (SemVer 2.0, section 11): numbers are lower than texts. */
function compareIdentifiers(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return Number(one !== undefined) - Number(other !== undefined);
  const areNumbers = [one, other].map((identifier) => /^\d+$/.test(identifier));
  if (areNumbers[0] && areNumbers[1]) return Number(one) - Number(other);
  return areNumbers[0] === areNumbers[1] ? compareTexts(one, other) : areNumbers[0] ? -1 : 1;
}

/**
 * Compares two releases of a package with a version, such as `shop@2.4.0`: negative if the first is earlier, 0 for equal
 * ones, null if they cannot be compared. Pure.
 */
export function compareReleases(first: string, second: string): number | null {
  if (first === second) return 0;
  const [one, other] = [RELEASE.exec(first), RELEASE.exec(second)];
  if (one === null || other === null || one[1] !== other[1]) return null;
  for (const part of [2, 3, 4]) {
    const difference = Number(one[part] ?? 0) - Number(other[part] ?? 0);
    if (difference !== 0) return difference;
  }
  if (one[5] === undefined || other[5] === undefined)
    return Number(one[5] === undefined) - Number(other[5] === undefined);
  const [identifiers, otherIdentifiers] = [one[5].split('.'), other[5].split('.')];
  for (let index = 0; index < Math.max(identifiers.length, otherIdentifiers.length); index++) {
    const difference = compareIdentifiers(identifiers[index], otherIdentifiers[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Whether an error of a release contradicts that its issue was fixed in another one: it is that release or a later one,
 * or cannot be compared with it and was not seen before, or is none. Pure.
 */
export function isRegression(release: string | null, fixedIn: string, seenBefore: ReadonlySet<string>): boolean {
  if (release === null) return true;
  const difference = compareReleases(release, fixedIn);
  return difference === null ? !seenBefore.has(release) : difference >= 0;
}
