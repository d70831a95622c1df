import type { ExchangedToken } from '../contract/oauth.ts';

/** An access token that is replaced before it expires. */
export interface RenewedToken {
  /** Returns the current token. */
  secret(): string;
  /**
   * Stops renewing, and waits for a renewal in progress. Returns all tokens that were issued, so that the caller can
   * revoke them.
   */
  end(): Promise<string[]>;
}

const RETRY_PAUSE_MS = 30_000;

/**
 * Returns when a token should be replaced, in milliseconds after it was issued: a minute before its expiry, but not
 * before two thirds of its lifetime. Pure.
 */
export function renewalDelayMs({ expires_in: lifetimeSeconds }: Pick<ExchangedToken, 'expires_in'>): number {
  return (lifetimeSeconds - Math.min(60, lifetimeSeconds / 3)) * 1000;
}

/**
 * Gets an access token with `exchange`, and a new one before it expires, until `end` is called. If a renewal fails,
 * `onFailure` is called and the renewal is retried after a pause.
 */
export async function holdRenewedToken(
  exchange: () => Promise<ExchangedToken>,
  onFailure: (error: unknown) => void,
): Promise<RenewedToken> {
  const firstToken = await exchange();
  const issuedSecrets = [firstToken.access_token];
  let isEnded = false;
  let lastRenewal = Promise.resolve();
  let timer = schedule(renewalDelayMs(firstToken));

  function schedule(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      lastRenewal = renew();
    }, delayMs).unref();
  }

  async function renew(): Promise<void> {
    let delayMs = RETRY_PAUSE_MS;
    try {
      const renewedToken = await exchange();
      issuedSecrets.push(renewedToken.access_token);
      delayMs = renewalDelayMs(renewedToken);
    } catch (error) {
      if (!isEnded) onFailure(error);
    }
    if (!isEnded) timer = schedule(delayMs);
  }

  return {
    secret: () => issuedSecrets.at(-1) ?? firstToken.access_token,
    async end() {
      isEnded = true;
      clearTimeout(timer);
      await lastRenewal;
      return issuedSecrets;
    },
  };
}
