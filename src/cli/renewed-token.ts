import type { ExchangedToken } from '../contract/oauth.ts';

/** An access token that is replaced before it expires. */
export interface RenewedToken {
  secret(): string;
  /** Stops renewing. Returns every token that was issued, to be revoked. */
  end(): string[];
}

const RETRY_PAUSE_MS = 30_000;

/** Returns when a token should be replaced, in milliseconds after it was issued: a minute before its expiry. Pure. */
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
  const first = await exchange();
  const issued = [first.access_token];
  let isEnded = false;
  let timer = schedule(renewalDelayMs(first));

  function schedule(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => void renew(), delayMs).unref();
  }

  async function renew(): Promise<void> {
    let delayMs = RETRY_PAUSE_MS;
    try {
      const next = await exchange();
      issued.push(next.access_token);
      delayMs = renewalDelayMs(next);
    } catch (error) {
      if (!isEnded) onFailure(error);
    }
    if (!isEnded) timer = schedule(delayMs);
  }

  return {
    secret: () => issued.at(-1) ?? first.access_token,
    end() {
      isEnded = true;
      clearTimeout(timer);
      return issued;
    },
  };
}
