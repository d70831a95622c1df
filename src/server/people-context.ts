import { createFailureLimiter, type FailureStore } from '../authorization/failure-limiter.ts';
import { createKeyedMutex } from '../authorization/keyed-mutex.ts';
import { FAILURE_LIMITS } from '../contract/limits.ts';
import { createOutbound } from '../outbound/outbound.ts';
import type { PeopleContext } from '../people/context.ts';
import { createMailer } from '../people/mail.ts';
import { createOidcProvider } from '../people/oidc-provider.ts';
import { countFailure, listRecentFailures } from '../store/failures.ts';
import { createSeal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import type { Settings } from './settings.ts';

/** Maximum number of queued sign-ins and sign-ups per client. Further attempts are refused without computing a hash. */
const MAX_WAITING_ATTEMPTS = 256;

export function createFailureStore(store: Store): FailureStore {
  return {
    recentFailures: (subject, since) => listRecentFailures(store.read, subject, since),
    countFailureIfAllowed: (subject, failure, since, allows) =>
      store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
  };
}

/** Creates the context of people and sign-ins. Commands that run without a server also use it. */
export function createPeopleContext(
  store: Store,
  secret: Buffer,
  settings: Settings,
  dependencies: Pick<PeopleContext, 'clock' | 'waitForConfirmation' | 'denials' | 'publicUrl' | 'background'>,
): PeopleContext {
  const failures = createFailureStore(store);
  const outbound = createOutbound({ policy: settings.outbound, environment: process.env });
  const { signIn, acrossAccounts } = FAILURE_LIMITS;
  return {
    ...dependencies,
    store,
    seal: createSeal([secret]),
    failures: {
      signIn: createFailureLimiter(failures, signIn),
      acrossAccounts: createFailureLimiter(failures, { perAddress: acrossAccounts, perSubject: acrossAccounts }),
      clientMutex: createKeyedMutex(MAX_WAITING_ATTEMPTS),
    },
    signUp: settings.signUp,
    passwords: settings.passwords,
    singleSignOn:
      settings.oidc === null
        ? null
        : { provider: createOidcProvider(settings.oidc, outbound), signUp: settings.oidc.signUp },
    workspaces: settings.workspaces,
    mail: settings.smtpUrl === null ? null : createMailer(settings.smtpUrl, settings.mailFrom),
  };
}
