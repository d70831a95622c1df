import { isControlVariable } from '../../contract/control-variables.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';

/** Returns the number of bytes that the Linux kernel counts for a variable. */
export const bytesOfVariable = (name: string, valueBytes: number): number =>
  name.length + valueBytes + RESOURCE_LIMITS.envVariableOverhead;

const formatMebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(2)} MiB`;

/** Returns a message that the variables are too large in total, with a suggestion. */
export const describeTooLarge = (subject: string, bytes: number): string =>
  `${subject} are ${formatMebibytes(bytes)} in total. Linux cannot start a command with more than ${formatMebibytes(RESOURCE_LIMITS.envTotalBytes)}: store large values as files`;

/** Variables that are passed to the app's commands. */
export interface CommandVariables {
  readonly passed: Readonly<Record<string, string>>;
  /** Names of variables that control how programs run: these are written to `.env` only. */
  readonly withheld: readonly string[];
  /**
   * Reason why no command can be started with these variables, or null. Variables that are too large are rejected when
   * they are set, but an older version of Devpilot accepted them.
   */
  readonly problem: string | null;
}

/** Separates the variables that commands receive from the variables that they do not receive. Pure. */
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
