import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Addresses of this machine and its link: loopback, "this host", and link-local including cloud metadata services. */
const NODE_LOCAL_ADDRESSES = new BlockList();
NODE_LOCAL_ADDRESSES.addSubnet('127.0.0.0', 8, 'ipv4');
NODE_LOCAL_ADDRESSES.addSubnet('0.0.0.0', 8, 'ipv4');
NODE_LOCAL_ADDRESSES.addSubnet('169.254.0.0', 16, 'ipv4');
NODE_LOCAL_ADDRESSES.addAddress('100.100.100.200', 'ipv4');
NODE_LOCAL_ADDRESSES.addAddress('::1', 'ipv6');
NODE_LOCAL_ADDRESSES.addAddress('::', 'ipv6');
NODE_LOCAL_ADDRESSES.addSubnet('fe80::', 10, 'ipv6');
NODE_LOCAL_ADDRESSES.addAddress('fd00:ec2::254', 'ipv6');

/**
 * Returns the IPv4 address embedded in an IPv6 address: mapped (`::ffff:0:0/96`), compatible, or NAT64 (RFC 6052); or
 * null.
 */
function embeddedIpv4(address: string): string | null {
  const hostname = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const found = /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(hostname);
  if (found === null) return null;
  const [high, low] = [Number.parseInt(found[1] ?? '', 16), Number.parseInt(found[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Returns whether an address is loopback or link-local, in any notation; false for anything but an address. Pure. */
export function isNodeLocal(address: string): boolean {
  const [plain = ''] = address.split('%');
  const version = isIP(plain);
  if (version === 4) return NODE_LOCAL_ADDRESSES.check(plain, 'ipv4');
  if (version !== 6) return false;
  const embedded = embeddedIpv4(plain);
  return (
    NODE_LOCAL_ADDRESSES.check(plain, 'ipv6') || (embedded !== null && NODE_LOCAL_ADDRESSES.check(embedded, 'ipv4'))
  );
}

/** Returns whether a host is a node-local address or name without being resolved. Pure. */
export const namesNodeLocal = (host: string): boolean =>
  isNodeLocal(host.replace(/^\[|\]$/g, '')) || /^(?:.*\.)?localhost\.?$/i.test(host);

/** Returns the addresses to which the system currently resolves a host; empty if it cannot be resolved. */
export async function resolveHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}
