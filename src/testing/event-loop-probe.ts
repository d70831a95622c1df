/**
 * Loaded into a server with `--import`: measures how long its event loop is blocked, in CPU time of its thread, so that
 * the load of the machine does not matter. Responds to every message from the parent process with the longest block in
 * milliseconds since the previous message.
 */
let longestBlockMs = 0;
let lastUsage = process.threadCpuUsage();

function cpuTimeSinceLastCallMs(): number {
  const { user, system } = process.threadCpuUsage(lastUsage);
  lastUsage = process.threadCpuUsage();
  return (user + system) / 1000;
}

setInterval(() => {
  longestBlockMs = Math.max(longestBlockMs, cpuTimeSinceLastCallMs());
}, 1).unref();

process.on('message', () => {
  process.send?.(Math.max(longestBlockMs, cpuTimeSinceLastCallMs()));
  longestBlockMs = 0;
});
process.channel?.unref();
