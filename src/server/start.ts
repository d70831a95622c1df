import type { AddressInfo } from 'node:net';
import { createHttpServer } from '../http/http-server.ts';
import { endDisallowedPasswordSessions } from '../people/password-sessions.ts';
import { createSetupCode } from '../people/sign-up.ts';
import { loadWebauthn } from '../people/webauthn.ts';
import { removeSecretsFromRepositoryUrls } from '../platform/resources/repository-credentials.ts';
import { hasPasskeys } from '../store/passkeys.ts';
import { startBackgroundWork } from './background-work.ts';
import { type Base, openBase, type StartOptions } from './base.ts';
import { type Closers, createClosers } from './closers.ts';
import { closeHttpServer, HTTP_CLOSE_LIMIT_MS, IDLE_MS, IncompleteStop } from './graceful-shutdown.ts';
import { formatAuthority, listenOrExplain } from './listen.ts';
import { startMetrics } from './metrics-listener.ts';
import { prepareMembership } from './node-membership.ts';
import { createServices, type Services } from './services.ts';
import type { Settings } from './settings.ts';

export interface RunningServer {
  /** URL of the listener, without a trailing slash. */
  readonly url: string;
  /** The one-time setup link; null once someone has signed up. */
  readonly setupLink: string | null;
  readonly metricsUrl: string | null;
  /**
   * Completes requests in flight, writes counted uses and closes the store: within about five seconds, or later if uses
   * are still being written then. Rejects with `IncompleteStop` if the store does not accept the writes. Further calls
   * return the promise of the first call.
   */
  close(): Promise<void>;
}

/**
 * Starts a server, step by step. Each step adds its open resources to a stack of closers, which is run when the server
 * stops or when a step fails. Throws `StartRefusedError` or `InvalidSettingError`.
 */
export async function startServer(settings: Settings, options: StartOptions = {}): Promise<RunningServer> {
  const closers = createClosers();
  let url = '';
  try {
    const base = await openBase(settings, options, closers);
    const cluster = await prepareMembership(base);
    const services = await createServices(base, cluster, () => url);
    await removeSecretsFromRepositoryUrls(base.store, services.people.seal, base.clock());
    await endDisallowedPasswordSessions(services.people);
    if (await hasPasskeys(base.store.read)) await loadWebauthn();
    const app = await createApp(base, services);
    await cluster.membership.start();
    url = await listen(app, settings);
    const metricsUrl = await startMetrics(base, cluster, services);
    const setupCode = await createSetupCode(services.people);
    const backgroundWork = startBackgroundWork(base, services);
    closers.add([() => closeHttpServer(app.server, () => app.close(), options.idleMs ?? IDLE_MS)], HTTP_CLOSE_LIMIT_MS);
    closers.add([backgroundWork.beginStop, cluster.membership.guards.stop]);
    let stopped: Promise<void> | null = null;
    return {
      url,
      setupLink: setupCode === null ? null : `${settings.publicUrl ?? url}/setup#code=${setupCode}`,
      metricsUrl,
      close: () => (stopped ??= stopServer(closers, services)),
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

type App = Awaited<ReturnType<typeof createHttpServer>>;

async function createApp({ settings, log, meter, closers }: Base, { appContext }: Services): Promise<App> {
  const app = await createHttpServer(appContext, {
    logger: log,
    trustProxy: settings.trustProxy,
    observe: meter?.recordResponse,
  });
  closers.add([() => app.close()]);
  return app;
}

/** Returns the URL of the listener. Throws `InvalidSettingError` if this machine cannot listen there. */
async function listen(app: App, settings: Settings): Promise<string> {
  const { host, port } = settings;
  await listenOrExplain({ host: 'HOST', port: 'PORT' }, settings, () => app.listen({ port, host }));
  const address = app.server.address() as AddressInfo;
  return `http://${formatAuthority(host === '0.0.0.0' || host === '::' ? 'localhost' : host, address.port)}`;
}

async function stopServer(closers: Closers, { checks }: Services): Promise<void> {
  const { usageRecorder } = checks;
  const failure = await closers.closeAll(usageRecorder.pendingCredentials);
  if (failure === null) return;
  const lostUses = usageRecorder.pendingUses();
  throw new IncompleteStop(
    `Not all pending writes were saved: at most ${lostUses} ${lostUses === 1 ? 'use' : 'uses'} of credentials, and refusals that are not in the activity log yet, are lost. ${failure}`,
  );
}
