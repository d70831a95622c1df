/**
 * Loaded into a server by `--import`: measures how long its event loop is held, in processor time of its thread, so
 * that a busy machine changes nothing. Any message from the parent is answered with the longest since the last one.
 */
let longest = 0;
let last = process.threadCpuUsage();

function timeSince(): number {
  const { user, system } = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  return (user + system) / 1000;
}

setInterval(() => {
  longest = Math.max(longest, timeSince());
}, 1).unref();

process.on('message', () => {
  process.send?.(Math.max(longest, timeSince()));
  longest = 0;
});
process.channel?.unref();
