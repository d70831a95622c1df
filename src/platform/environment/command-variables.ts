import { isControlVariable } from '../../contract/control-variables.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';

/** The bytes that the kernel counts for a variable. */
export const bytesOfVariable = (name: string, valueBytes: number): number =>
  name.length + valueBytes + RESOURCE_LIMITS.envVariableOverhead;

const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(2)} MiB`;

/** Says that variables are too large in total, and what to do. */
export const describeTooLarge = (whose: string, bytes: number): string =>
  `${whose} are ${mebibytes(bytes)} in total. Linux starts no command with more than ${mebibytes(RESOURCE_LIMITS.envTotalBytes)}: store large values as files`;

/** Variables that are passed to the app's commands. */
export interface CommandVariables {
  readonly passed: Readonly<Record<string, string>>;
  /** Names that control programs: these remain in `.env`. */
  readonly withheld: readonly string[];
  /**
   * Reason why no command can be started with them; null if it can. Larger variables are refused when they are set,
   * but may have been set in an earlier version.
   */
  readonly problem: string | null;
}

/** Pure. */
export function selectCommandVariables(variables: Readonly<Record<string, string>>): CommandVariables {
  const names = Object.keys(variables);
  const passed = Object.fromEntries(Object.entries(variables).filter(([name]) => !isControlVariable(name)));
  const bytes = Object.entries(passed).reduce(
    (sum, [name, value]) => sum + bytesOfVariable(name, Buffer.byteLength(value)),
    0,
  );
  return {
    passed,
    withheld: names.filter(isControlVariable),
    problem: bytes <= RESOURCE_LIMITS.envTotalBytes ? null : `${describeTooLarge("The app's variables", bytes)}.`,
  };
}
