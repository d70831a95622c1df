/**
 * Loaded into a server with `--import`: measures how long its event loop is blocked, in CPU time of its thread, so
 * that the load of the machine does not matter. Any message from the parent is answered with the longest block since
 * the last one.
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
