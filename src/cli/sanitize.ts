import { stripVTControlCharacters } from 'node:util';

/**
 * What build systems obey in the output of a job: workflow commands of GitHub and Azure (`::add-mask::`,
 * `##[…]`, `##vso[…]`), service messages of TeamCity (`##teamcity[…]`), sections of GitLab and Travis.
 */
const WORKFLOW_COMMAND_START = /^(\s*):(?=:)/;
const WORKFLOW_COMMAND = /#(?=#\w*\[)/g;
const CI_SECTION_MARKER = /(section_|travis_)(?=(?:start|end|fold|time):)/g;

/** One line of text from others, which no terminal and no build system obeys: no escape, no control character, no command. */
export function sanitizeLine(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/[\p{Cc}\p{Cf}]/gu, (character) => (character === '\t' ? character : '\ufffd'))
    .replace(WORKFLOW_COMMAND_START, '$1: ')
    .replace(WORKFLOW_COMMAND, '# ')
    .replace(CI_SECTION_MARKER, '$1 ');
}

/** The same for text of several lines. */
export const sanitizeText = (text: string): string => text.split('\n').map(sanitizeLine).join('\n');

/** JSON with the same value, in which nothing is left that a terminal or a build system obeys. */
export function sanitizeJson(json: string): string {
  return json
    .replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    })
    .replace(/#(?=#)/g, '\\u0023')
    .replace(CI_SECTION_MARKER, (word) => `${word.slice(0, -1)}\\u005f`);
}
