/**
 * Loaded into a server by `--import`: measures how long its event loop is held, in processor time of its thread, so
 * that a busy machine changes nothing. Any message from the parent is answered with the longest since the last one.
 */
let longestHoldMs = 0;
let last = process.threadCpuUsage();

function timeSince(): number {
  const { user, system } = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  return (user + system) / 1000;
}

setInterval(() => {
  longestHoldMs = Math.max(longestHoldMs, timeSince());
}, 1).unref();

process.on('message', () => {
  process.send?.(Math.max(longestHoldMs, timeSince()));
  longestHoldMs = 0;
});
process.channel?.unref();
