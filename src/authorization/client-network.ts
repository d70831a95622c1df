import { formatAddressRange, parseAddress } from '../contract/address-ranges.ts';

/** Output buffer for `parseAddress`, reused by every call: the address in words of 32 bits. */
const words = new Uint32Array(4);
const hex = (group: number): string => group.toString(16);

/**
 * Returns the key under which limits per client count an address: the IPv4 address itself (also for IPv4-mapped IPv6
 * addresses), or the /64 prefix of an IPv6 address, because a single customer usually controls at least a /64
 * (RFC 6177). Any other text is returned unchanged. Pure.
 */
export function clientNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const [withoutZone = ''] = address.split('%');
  const family = parseAddress(withoutZone, words);
  if (family === 0) return address;
  if (family === 4) return formatAddressRange({ family, words: [...words], prefixLength: 32 });
  const [first = 0, second = 0] = words;
  const groups = [first >>> 16, first & 0xffff, second >>> 16, second & 0xffff];
  return `${groups.map(hex).join(':')}::/64`;
}
