import { activity } from './activity.ts';
import { authorize } from './authorize.ts';
import { cli } from './cli.ts';
import { contention } from './contention.ts';
import { decision } from './decision.ts';
import { deletions } from './deletions.ts';
import { exchange } from './exchange.ts';
import { filteredPages } from './filtered-pages.ts';
import { flush } from './flush.ts';
import { guard } from './guard.ts';
import { type Finding, isMet, printFinding, type Report } from './lib/report.ts';
import { memory, start } from './memory.ts';
import { notify } from './notify.ts';
import { pages } from './pages.ts';
import { peers } from './peers.ts';
import { postgres } from './postgres.ts';
import { stall } from './stall.ts';

/**
 * The benchmarks of `npm run bench [-- name…]`, in the order in which they run. `--json` also prints the results as
 * JSON; `--full` runs longer variants of `activity` and `filtered-pages`.
 */
const BENCHES: Readonly<Record<string, (size: { readonly full: boolean }) => Promise<Finding[]>>> = {
  start,
  cli,
  decision,
  guard,
  flush,
  pages,
  'filtered-pages': filteredPages,
  contention,
  deletions,
  notify,
  exchange,
  postgres,
  peers,
  activity,
  authorize,
  memory,
  stall,
};

const commandLineArguments = process.argv.slice(2);
const isJson = commandLineArguments.includes('--json');
const isFull = commandLineArguments.includes('--full');
const names = commandLineArguments.filter((argument) => argument !== '--json' && argument !== '--full');
const unknownName = names.find((name) => !(name in BENCHES));
if (unknownName !== undefined) {
  process.stderr.write(`Unknown benchmark ${unknownName}. Available: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}

const reports: Report[] = [];
for (const name of names.length === 0 ? Object.keys(BENCHES) : names) {
  process.stdout.write(`\n# ${name}\n`);
  const startMs = performance.now();
  const findings = (await BENCHES[name]?.({ full: isFull })) ?? [];
  const seconds = Math.round((performance.now() - startMs) / 1000);
  for (const finding of findings) printFinding(finding);
  process.stdout.write(`  (${seconds} s)\n`);
  reports.push({ bench: name, seconds, findings: findings.map((finding) => ({ ...finding, met: isMet(finding) })) });
}
const boundedFindings = reports.flatMap(({ findings }) => findings).filter(({ met }) => met !== null);
process.stdout.write(
  `\n${boundedFindings.filter(({ met }) => met === true).length} of ${boundedFindings.length} targets met\n`,
);
if (isJson) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
