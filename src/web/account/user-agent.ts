import { strings } from './strings.ts';

/** The first pattern that matches counts: Edge and Opera also name Chrome, and Chrome also names Safari. */
const CLIENTS: readonly (readonly [RegExp, string])[] = [
  [/^devpilot\b/i, 'Devpilot CLI'],
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Headless)?Chrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const OPERATING_SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const findName = (patterns: readonly (readonly [RegExp, string])[], text: string): string | null =>
  patterns.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** Returns a description such as "Firefox on Windows", or the product name of another client, such as "curl". */
export function describeUserAgent(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return strings.userAgent.unknownClient;
  const client = findName(CLIENTS, userAgent);
  const system = findName(OPERATING_SYSTEMS, userAgent);
  if (client !== null) return system === null ? client : strings.userAgent.clientOnSystem(client, system);
  return userAgent.split(/[\s/]/)[0] || userAgent;
}
