import { isIPv6 } from 'node:net';

const IPV4_MAPPED = /^::ffff:(?:(\d{1,3}(?:\.\d{1,3}){3})|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/;

/** Returns the IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), or null. */
function mappedIpv4(address: string): string | null {
  const found = IPV4_MAPPED.exec(address.toLowerCase().replace(/^(?:0{1,4}:){5}(?=ffff:)/, '::'));
  if (found === null) return null;
  const [, dotted, high, low] = found;
  if (dotted !== undefined) return dotted;
  const bits = Number.parseInt(high ?? '', 16) * 65_536 + Number.parseInt(low ?? '', 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

/**
 * Returns the key under which limits per client count an address: the IPv4 address itself (also for IPv4-mapped IPv6
 * addresses), or the /64 prefix of an IPv6 address, because a single customer usually controls at least a /64
 * (RFC 6177). Any other text is returned unchanged. Pure.
 */
export function clientNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const ipv4 = mappedIpv4(plain);
  if (ipv4 !== null) return ipv4;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // A trailing IPv4 address counts as two groups.
  const filled = before.length + after.length + (plain.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - filled);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
