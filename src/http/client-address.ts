import type { FastifyRequest } from 'fastify';
import { canonicalAddress } from '../contract/address-ranges.ts';

/** Returns the client's address as `createClientAddressResolver` does, for requests that Fastify handles. */
export const clientAddressOf = ({ ip }: Pick<FastifyRequest, 'ip'>): string => canonicalAddress(ip) ?? '';
