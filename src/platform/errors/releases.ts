const RELEASE =
  /^(?:(?<packageName>.{1,200})@)?v?(?<major>\d{1,9})(?:\.(?<minor>\d{1,9}))?(?:\.(?<patch>\d{1,9}))?(?:-(?<preRelease>[0-9A-Za-z.-]{1,100}))?(?:\+.*)?$/;

interface ParsedRelease {
  /** Undefined for a version without the name of a package. */
  readonly packageName: string | undefined;
  /** Major, minor and patch version. */
  readonly numbers: readonly number[];
  /** The identifiers after the hyphen, such as `beta` and `2`; null if the version is not a pre-release. */
  readonly preRelease: readonly string[] | null;
}

function parseRelease(text: string): ParsedRelease | null {
  const groups = RELEASE.exec(text)?.groups;
  if (groups === undefined) return null;
  return {
    packageName: groups['packageName'],
    numbers: [groups['major'], groups['minor'], groups['patch']].map((number) => Number(number ?? 0)),
    preRelease: groups['preRelease']?.split('.') ?? null,
  };
}

function compareTexts(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/** Compares pre-release identifiers (SemVer 2.0, section 11). Numeric identifiers are lower than alphanumeric ones. */
function compareIdentifiers(first: string, second: string): number {
  const isFirstNumeric = /^\d+$/.test(first);
  const isSecondNumeric = /^\d+$/.test(second);
  if (isFirstNumeric && isSecondNumeric) return Number(first) - Number(second);
  if (isFirstNumeric !== isSecondNumeric) return isFirstNumeric ? -1 : 1;
  return compareTexts(first, second);
}

/** Compares lists of pre-release identifiers. If one list begins with the other, the longer list is later. */
function comparePreReleases(first: readonly string[], second: readonly string[]): number {
  for (const [index, identifier] of first.entries()) {
    const other = second[index];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(identifier, other);
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}

/**
 * Compares two releases such as `shop@2.4.0`: returns a negative number if the first is earlier, 0 if they are equal,
 * null if they cannot be compared. Pure.
 */
export function compareReleases(first: string, second: string): number | null {
  if (first === second) return 0;
  const firstRelease = parseRelease(first);
  const secondRelease = parseRelease(second);
  if (firstRelease === null || secondRelease === null) return null;
  if (firstRelease.packageName !== secondRelease.packageName) return null;
  for (const [index, number] of firstRelease.numbers.entries()) {
    const difference = number - (secondRelease.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  // A pre-release is earlier than its release.
  if (firstRelease.preRelease === null) return secondRelease.preRelease === null ? 0 : 1;
  if (secondRelease.preRelease === null) return -1;
  return comparePreReleases(firstRelease.preRelease, secondRelease.preRelease);
}

/**
 * Whether an error shows that its issue was not fixed in the release `fixedIn`: the error has no release, its release
 * is `fixedIn` or later, or its release cannot be compared with `fixedIn` and is not in `seenReleases`. Pure.
 */
export function isRegression(release: string | null, fixedIn: string, seenReleases: ReadonlySet<string>): boolean {
  if (release === null) return true;
  const difference = compareReleases(release, fixedIn);
  return difference === null ? !seenReleases.has(release) : difference >= 0;
}
