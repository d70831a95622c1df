import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Addresses of this machine, its local link and its cloud: loopback, "this host", link-local and metadata services. */
const NODE_LOCAL_ADDRESSES = blockListOf([
  '127.0.0.0/8',
  '0.0.0.0/8',
  '169.254.0.0/16',
  // The metadata services of Alibaba Cloud and Azure.
  '100.100.100.200/32',
  '168.63.129.16/32',
  '::1/128',
  '::/128',
  'fe80::/10',
  // The metadata services of AWS and Google Cloud.
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
]);

/** Addresses of private networks (RFC 1918, RFC 4193) and of networks behind a carrier's NAT (RFC 6598). */
const PRIVATE_ADDRESSES = blockListOf(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']);

/** Addresses that no host on the internet has: protocol assignments, documentation, tests, multicast, reserved. */
const UNROUTABLE_ADDRESSES = blockListOf([
  '192.0.0.0/24',
  '192.0.2.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Teredo, ORCHID and other protocol assignments, documentation, and 6to4, which embeds an IPv4 address.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
]);

/** IPv6 addresses of hosts on the internet (RFC 4291, section 2.4); all other addresses are local or reserved. */
const GLOBAL_UNICAST_IPV6 = blockListOf(['2000::/3']);

/**
 * Returns the IPv4 address that is embedded in a mapped (`::ffff:0:0/96`), compatible or NAT64 (RFC 6052) IPv6 address;
 * null for any other address.
 */
function embeddedIpv4(address: string): string | null {
  // The URL parser writes the address in its shortest form, with hexadecimal digits.
  const hostname = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const match = /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(hostname);
  if (match === null) return null;
  const high = Number.parseInt(match[1] ?? '', 16);
  const low = Number.parseInt(match[2] ?? '', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * Returns whether an address, or the IPv4 address that it embeds, is one of `NODE_LOCAL_ADDRESSES`; false for a text
 * that is not an address. Pure.
 */
export function isNodeLocal(address: string): boolean {
  const [unscoped = ''] = address.split('%');
  const version = isIP(unscoped);
  if (version === 4) return NODE_LOCAL_ADDRESSES.check(unscoped, 'ipv4');
  if (version !== 6) return false;
  const embedded = embeddedIpv4(unscoped);
  return (
    NODE_LOCAL_ADDRESSES.check(unscoped, 'ipv6') || (embedded !== null && NODE_LOCAL_ADDRESSES.check(embedded, 'ipv4'))
  );
}

/** `special`: loopback, link-local, cloud metadata services, and addresses that no host has. */
export type AddressKind = 'public' | 'private' | 'special';

/**
 * Returns the kind of an address; if it embeds an IPv4 address, the kind of that address; `special` for a text that is
 * not an address. Pure.
 */
export function addressKindOf(address: string): AddressKind {
  const version = isIP(address);
  if (version === 0 || address.includes('%') || isNodeLocal(address)) return 'special';
  const embedded = version === 6 ? embeddedIpv4(address) : null;
  if (embedded !== null) return addressKindOf(embedded);
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (PRIVATE_ADDRESSES.check(address, family)) return 'private';
  if (UNROUTABLE_ADDRESSES.check(address, family)) return 'special';
  return version === 6 && !GLOBAL_UNICAST_IPV6.check(address, 'ipv6') ? 'special' : 'public';
}

/** Returns whether a host is a node-local address or name, without resolving it. Pure. */
export const isNodeLocalHost = (host: string): boolean =>
  isNodeLocal(host.replace(/^\[|\]$/g, '')) || /^(?:.*\.)?localhost\.?$/i.test(host);

/** Returns the addresses to which the system currently resolves a host; empty if it cannot be resolved. */
export async function resolveHost(host: string): Promise<string[]> {
  const results = await lookup(host, { all: true }).catch(() => []);
  return results.map(({ address }) => address);
}
