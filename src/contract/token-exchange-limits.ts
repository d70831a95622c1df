/** Limits of exchanges of workload tokens for access tokens, and of access tokens for narrower access tokens. */

/** Limits of workload identities; lengths in characters. */
export const WORKLOAD_LIMITS = {
  perWorkspace: 50,
  /** Conditions per identity. */
  conditions: 20,
  claimName: 100,
  claimValue: 512,
  issuer: 512,
  audience: 512,
  subjectToken: 16_384,
  /** The restrictions in a request for a token, as JSON. */
  restrictions: 16_384,
  lifetimeSeconds: { min: 60, max: 43_200, default: 900 },
  /** Live tokens per identity. */
  liveTokens: 2_000,
  /** Recorded exchanges per identity: this many accepted ones, and as many refused ones. */
  exchanges: 50,
  /**
   * Accepted exchanges per identity: the burst, the sustained rate per second on each node, and the number of
   * identities that the limiter tracks.
   */
  perIdentity: { burst: 300, perSecond: 1, maxClients: 10_000 },
} as const;

/**
 * Exchanges of an access token (the parent) for a narrower one (the child): live children per parent, their lifetime in
 * seconds, and the burst and sustained rate of exchanges per parent (per second on each node).
 */
export const EXCHANGE_LIMITS = {
  liveChildren: 100,
  lifetimeSeconds: { min: 60, max: 3_600 },
  perParent: { burst: 200, perSecond: 1, maxClients: 10_000 },
  /** For all tokens and workload identities of a workspace. */
  perWorkspace: { burst: 600, perSecond: 3, maxClients: 10_000 },
} as const;

/**
 * Rate limit for refused exchanges per client address: the burst, the sustained rate per second on each node, and the
 * number of addresses that the limiter tracks.
 */
export const REFUSED_EXCHANGE_LIMITS = { burst: 300, perSecond: 10, maxClients: 50_000 } as const;
