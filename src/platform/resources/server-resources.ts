import { SECOND } from '../../contract/limits.ts';
import type { ServerResources } from '../../contract/servers.ts';
import { type RunTarget, run } from '../../runner/run.ts';

/** Limited, so that a file system that does not respond does not make a check fail. */
const RESOURCES_TIMEOUT_MS = 5 * SECOND;

/**
 * Prints memory, load, number of processors and disk space, one value per line. The disk space of a directory is the
 * space of the file system that contains it or its nearest existing parent. Systems other than Linux print fewer
 * values.
 */
const RESOURCES_SCRIPT = `
grep -E '^Mem(Total|Available):' /proc/meminfo
echo "load $(cat /proc/loadavg)"
echo "cpus $(getconf _NPROCESSORS_ONLN)"
printf '%s\\n' "$DP_DIRECTORIES" | while IFS= read -r path; do
  nearest=$path
  while [ ! -d "$nearest" ] && [ "$nearest" != / ]; do nearest=$(dirname -- "$nearest"); done
  echo "disk $(df -Pk -- "$nearest" | tail -n 1 | grep -oE '[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+%' | head -n 1) $path"
done
exit 0
`;

/** Number of lines about memory, load and processors. */
const LINES_BEFORE_DISKS = 4;
const KIB = 1024;
const kibibytesToBytes = (text: string | undefined): number => Number(text) * KIB;

/** Parses the output of the script. A server could forge it, so lines with excessive numbers are ignored. Pure. */
export function parseServerResources(lines: readonly string[], maxDisks: number): ServerResources {
  const firstMatch = (pattern: RegExp) =>
    lines.map((line) => pattern.exec(line)).find((match) => match !== null) ?? null;
  const total = firstMatch(/^MemTotal: +(\d{1,12}) kB$/);
  const available = firstMatch(/^MemAvailable: +(\d{1,12}) kB$/);
  const load = firstMatch(/^load (\d{1,6}\.\d\d) (\d{1,6}\.\d\d) (\d{1,6}\.\d\d) /);
  const cpus = firstMatch(/^cpus (\d{1,6})$/);
  return {
    disks: lines.slice(0, LINES_BEFORE_DISKS + maxDisks).flatMap((line) => {
      const match = /^disk (\d{1,12}) +(\d{1,12}) +(\d{1,12}) +\d+% (\/.*)$/.exec(line);
      return match === null
        ? []
        : [
            {
              directory: match[4] ?? '',
              totalBytes: kibibytesToBytes(match[1]),
              freeBytes: kibibytesToBytes(match[3]),
            },
          ];
    }),
    memory:
      total === null || available === null
        ? null
        : { totalBytes: kibibytesToBytes(total[1]), availableBytes: kibibytesToBytes(available[1]) },
    load: load === null ? null : [Number(load[1]), Number(load[2]), Number(load[3])],
    cpuCount: cpus === null ? null : Number(cpus[1]),
  };
}

/** Returns the disk space, memory and load of a machine; null if the script fails or times out. */
export async function readServerResources(
  target: RunTarget,
  directories: readonly string[],
): Promise<ServerResources | null> {
  const lines: string[] = [];
  const outcome = await run(target, {
    command: { interpreter: ['/bin/sh'], body: RESOURCES_SCRIPT },
    environment: { DP_DIRECTORIES: directories.join('\n'), LC_ALL: 'C' },
    timeoutMs: RESOURCES_TIMEOUT_MS,
    onLine: ({ stream, text }) => stream === 'stdout' && lines.push(text),
  });
  return outcome.exitCode === 0 ? parseServerResources(lines, directories.length) : null;
}
