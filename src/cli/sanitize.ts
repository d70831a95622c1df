import { stripVTControlCharacters } from 'node:util';

/**
 * Commands that build systems execute when a job prints them: workflow commands of GitHub and Azure (`::add-mask::`,
 * `##[…]`, `##vso[…]`), service messages of TeamCity (`##teamcity[…]`), sections of GitLab and Travis.
 */
const WORKFLOW_COMMAND_START = /^(\s*):(?=:)/;
const WORKFLOW_COMMAND = /#(?=#\w*\[)/g;
const CI_SECTION_MARKER = /(section_|travis_)(?=(?:start|end|fold|time):)/g;

/**
 * Escapes one line of untrusted text: no escape sequences, control characters other than tabs, or commands of build
 * systems remain.
 */
export function sanitizeLine(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/[\p{Cc}\p{Cf}]/gu, (character) => (character === '\t' ? character : '\ufffd'))
    .replace(WORKFLOW_COMMAND_START, '$1: ')
    .replace(WORKFLOW_COMMAND, '# ')
    .replace(CI_SECTION_MARKER, '$1 ');
}

/** Escape sequences that only set colors and styles (ECMA-48, SGR). */
const STYLE_SEQUENCE = /\u001b\[[\d;:]*m/g;

/** Does the same as `sanitizeLine`, but keeps colors and styles, and resets them at the end. For terminals only. */
export function sanitizeStyledLine(line: string): string {
  const [textBefore = '', ...styledTexts] = line.split(STYLE_SEQUENCE).map(sanitizeLine);
  if (styledTexts.length === 0) return textBefore;
  const sequences = line.match(STYLE_SEQUENCE) ?? [];
  return `${textBefore}${styledTexts.map((text, index) => `${sequences[index] ?? ''}${text}`).join('')}\u001b[0m`;
}

/** Does the same as `sanitizeLine` for each line of a text. */
export const sanitizeText = (text: string): string => text.split('\n').map(sanitizeLine).join('\n');

/** Escapes JSON without changing its value, so that terminals and build systems interpret none of it. */
export function sanitizeJson(json: string): string {
  return json
    .replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    })
    .replace(/#(?=#)/g, '\\u0023')
    .replace(CI_SECTION_MARKER, (marker) => `${marker.slice(0, -1)}\\u005f`);
}
