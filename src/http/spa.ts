import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { escapeHtml } from '../contract/html.ts';
import { PAGE_ROUTES, type PageRoute } from '../contract/page-routes.ts';
import { Problem } from '../contract/problem.ts';
import { negotiateCoding } from './content-coding.ts';
import { sendProblem } from './problems.ts';

/** The directory to which `npm run build` writes the web UI. */
const BUILD_DIRECTORY = fileURLToPath(new URL('../../dist/web/', import.meta.url));

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
  woff2: 'font/woff2',
  png: 'image/png',
  webmanifest: 'application/manifest+json',
};

const NOT_BUILT_HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Devpilot</title>
<h1>The web UI is not built</h1><p>Run <code>npm run build</code> and restart Devpilot. The API works: see <a href="/docs">its reference</a>.</p></html>`;

interface BuiltSpa {
  readonly html: string;
  /** The names of all assets, including their compressed copies. No other file in the directory is served. */
  readonly assets: ReadonlySet<string>;
}

function readBuiltSpa(directory: string): BuiltSpa | null {
  try {
    const html = readFileSync(`${directory}index.html`, 'utf8');
    return { html, assets: new Set(readdirSync(`${directory}assets`)) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Returns the page's content security policy (ASVS 3.4.3): own scripts only, styles with a nonce, no other origins. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "manifest-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Other origins must not embed a page or an asset. */
const SAME_ORIGIN_RESOURCE_POLICY = { 'cross-origin-resource-policy': 'same-origin' };

/** Suffixes of the compressed copies of an asset, by content coding, in order of preference. */
const COMPRESSED_SUFFIXES: Readonly<Record<string, string>> = { br: '.br', gzip: '.gz' };

/** The pages that have no navigation, even for a person who is signed in. */
const PAGES_WITHOUT_NAVIGATION: ReadonlySet<string> = new Set<PageRoute>([
  '/sign-in',
  '/forgot-password',
  '/reset-password',
  '/setup',
  '/accept-invitation',
  '/device',
]);

/** Returns the layout that is shown until the page's script runs: `shell` has navigation, `centered` is a card. */
function initialLayout({ routeOptions, headers: { cookie } }: FastifyRequest): 'shell' | 'centered' {
  // Without a session, the page redirects to sign-in. The secret is not verified, because the layout reveals nothing.
  const hasSession = /(?:^|; *)(?:__Host-)?devpilot=/.test(cookie ?? '');
  return hasSession && !PAGES_WITHOUT_NAVIGATION.has(routeOptions.url ?? '') ? 'shell' : 'centered';
}

interface SpaOptions {
  /** Whether apps can be deployed to this machine itself; the web UI offers the option only then. */
  readonly allowLocalServers: boolean;
  /** Whether anyone has signed up. If not, every page redirects to `/setup`. */
  readonly isSetUp: () => Promise<boolean>;
  /** Whether people sign in with passwords. */
  readonly passwords?: 'on' | 'off';
  /** The name of the single sign-on provider, if single sign-on is set up. */
  readonly singleSignOn?: string | undefined;
  /** The directory of the built web UI, with a slash at the end. Default: the directory of `npm run build`. */
  readonly directory?: string;
}

/** Whether a request without a route comes from a person who opened a wrong URL in a browser. */
export function wantsPage({ method, url, headers: { accept } }: FastifyRequest): boolean {
  return method === 'GET' && !/^\/(?:v1|api|assets)\//.test(url) && /\btext\/html\b/.test(accept ?? '');
}

/**
 * Serves the built web UI and its assets. The caller must add the security headers to every response of `app`. If the
 * web UI is not built, its URLs explain how to build it. Returns a function that responds with the page and status 404.
 */
export function registerSpa(
  app: FastifyInstance,
  { allowLocalServers, isSetUp, passwords = 'on', singleSignOn = '', directory = BUILD_DIRECTORY }: SpaOptions,
): (reply: FastifyReply) => FastifyReply {
  const built = readBuiltSpa(directory);
  const localServers = allowLocalServers ? 'on' : 'off';

  function sendHtml(reply: FastifyReply, status: number, setup: 'pending' | 'done'): FastifyReply {
    const nonce = randomBytes(16).toString('base64');
    const values: Readonly<Record<string, string>> = {
      NONCE: nonce,
      LOCAL_SERVER: localServers,
      SETUP: setup,
      PASSWORDS: passwords,
      SINGLE_SIGN_ON: escapeHtml(singleSignOn),
      LAYOUT: status === 404 ? 'centered' : initialLayout(reply.request),
    };
    return reply
      .code(built === null ? 503 : status)
      .headers({
        ...SAME_ORIGIN_RESOURCE_POLICY,
        'content-security-policy': contentSecurityPolicy(nonce),
        'cache-control': 'no-store',
      })
      .type('text/html; charset=utf-8')
      .send(
        built === null ? NOT_BUILT_HTML : built.html.replaceAll(/%([A-Z_]+)%/g, (text, name) => values[name] ?? text),
      );
  }

  for (const path of PAGE_ROUTES) {
    app.get(path.replaceAll('$', ':'), { schema: { hide: true } }, async (_request, reply) => {
      const setup = (await isSetUp()) ? 'done' : 'pending';
      if (setup === 'done' || path === '/setup') return sendHtml(reply, 200, setup);
      return reply.header('cache-control', 'no-store').redirect('/setup', 303);
    });
  }

  app.get('/assets/:name', { schema: { hide: true } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    const type = CONTENT_TYPES[name.split('.').pop() ?? ''];
    if (built === null || type === undefined || !built.assets.has(name)) {
      return sendProblem(reply, new Problem('not_found', 'Nothing was found at this URL.'));
    }
    const codings = Object.keys(COMPRESSED_SUFFIXES).filter((coding) =>
      built.assets.has(name + COMPRESSED_SUFFIXES[coding]),
    );
    const encoding = negotiateCoding(request.headers['accept-encoding'] ?? '', codings);
    const suffix = encoding === null ? '' : COMPRESSED_SUFFIXES[encoding];
    return reply
      .headers({
        ...SAME_ORIGIN_RESOURCE_POLICY,
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'accept-encoding',
        ...(encoding !== null && { 'content-encoding': encoding }),
      })
      .type(type)
      .send(await readFile(`${directory}assets/${name}${suffix}`));
  });

  return (reply) => sendHtml(reply, 404, 'done');
}
