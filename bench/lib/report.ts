/** One result of a report: a figure, its target, and the measurements behind it. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  /** Text appended to the figure, with its leading space if it needs one: `×`, ` MiB`, ` ms`. */
  readonly unit: string;
  /** The target, and optionally a stricter goal, which is printed but not checked. Null if there is no target. */
  readonly bound: { readonly at: 'least' | 'most'; readonly value: number; readonly goal?: number } | null;
  /** The measurements behind the figure. */
  readonly measurements: string;
}

export interface Report {
  readonly bench: string;
  readonly seconds: number;
  readonly findings: readonly (Finding & { readonly met: boolean | null })[];
}

export const atLeast = (value: number, goal?: number): Finding['bound'] => ({
  at: 'least',
  value,
  ...(goal !== undefined && { goal }),
});
export const atMost = (value: number, goal?: number): Finding['bound'] => ({
  at: 'most',
  value,
  ...(goal !== undefined && { goal }),
});

/** Returns whether the figure meets its target; null if there is no target. */
export function isMet({ value, bound }: Finding): boolean | null {
  if (bound === null) return null;
  return bound.at === 'least' ? value >= bound.value : value <= bound.value;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = sorted.length % 2 === 1 ? [middle, middle] : [middle - 1, middle];
  return ((sorted[low] ?? Number.NaN) + (sorted[high] ?? Number.NaN)) / 2;
}

/**
 * Returns the median of the ratios per round. Both sides of a round run back to back, so a slow minute affects both.
 */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, index) => value / (denominators[index] ?? Number.NaN)));
}

const formatNumber = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
export const formatList = (values: readonly number[]): string => values.map(formatNumber).join(' ');

function describeBound({ bound, unit }: Finding): string {
  if (bound === null) return 'no target';
  const goal = bound.goal === undefined ? '' : `, goal ${bound.goal}`;
  return `at ${bound.at} ${bound.value}${unit}${goal}`;
}

export function printFinding(finding: Finding): void {
  const met = isMet(finding);
  const resultMark = met ? '✔' : '✘';
  const mark = met === null ? ' ' : resultMark;
  process.stdout.write(
    `${mark} ${finding.name}: ${formatNumber(finding.value)}${finding.unit} (${describeBound(finding)})\n`,
  );
  process.stdout.write(`    ${finding.measurements}\n`);
}
