import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A host that only the user's own network can reach. */
export class PrivateAddressError extends Error {
  constructor(host: string, ip: string) {
    super(host === ip ? ip : `${host} is ${ip}`);
    this.name = 'PrivateAddressError';
  }
}

/**
 * Whether an IP address belongs to the public internet: neither private, loopback, link-local, multicast nor reserved,
 * by the IANA registries as ipaddr.js knows them. An IPv4 address inside an IPv6 one counts as itself.
 */
export function isPublic(ip: string): boolean {
  const bare = ip.replace(/%.*$/, '');
  if (!ipaddr.isValid(bare)) return false;
  const address = ipaddr.process(bare);
  // NAT64 (RFC 6052): behind DNS64 every IPv4 server has such an address.
  if (address.kind() === 'ipv6' && address.range() === 'rfc6052') {
    return isPublic(address.toByteArray().slice(12).join('.'));
  }
  return address.range() === 'unicast';
}

/** The address in a URL's host, where it names none that needs DNS. */
export function literalOf(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? undefined : host;
}

/**
 * DNS that answers with allowed addresses only. The socket connects to what this returns, so that a name which
 * answers differently the second time (DNS rebinding) gains nothing.
 */
export function guardedLookup(
  isAllowed: (ip: string) => boolean,
  lookup: LookupFunction = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const addresses: LookupAddress[] = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined) {
        callback(new PrivateAddressError(hostname, addresses[0]?.address ?? 'nowhere'), []);
      } else if (options.all === true) {
        callback(null, allowed);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}
