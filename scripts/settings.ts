/** Updates the lists of settings in `docs/operations.md` and `deploy/devpilot.env`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatSettingsFile, formatSettingsTable } from '../src/server/settings-table.ts';

const page = 'docs/operations.md';
const table = /^\| Setting \| Default \|.*(?:\n\|.*)*/m;
const text = readFileSync(page, 'utf8');
if (!table.test(text)) throw new Error(`${page} has no table of settings.`);
writeFileSync(
  page,
  text.replace(table, () => formatSettingsTable()),
);
writeFileSync('deploy/devpilot.env', formatSettingsFile());
