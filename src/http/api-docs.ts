import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ADVICE } from '../contract/error-advice.ts';
import { CODES, type Code } from '../contract/error-codes.ts';
import { escapeHtml } from '../contract/html.ts';
import { Problem } from '../contract/problem.ts';
import type { AppContext } from './app-context.ts';
import { negotiateCoding } from './content-coding.ts';
import { createOpenApiRepresentations } from './openapi-representation.ts';
import { sendProblem } from './problems.ts';
import { baseUrlOf } from './public-origin.ts';

/** The compressed script of the API reference, which `npm run build` creates. */
const REFERENCE_SCRIPT_PATH = fileURLToPath(new URL('../../dist/web/docs/scalar.js.gz', import.meta.url));

const STYLESHEET = `:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}
code{font:0.95em ui-monospace,monospace}dt{font-weight:600}a{color:light-dark(#0b5cad,#8ec5ff)}`;

const START_SCRIPT = `Scalar.createApiReference('#reference', {
  url: '/openapi.json', withDefaultFonts: false, telemetry: false,
  agent: { disabled: true }, mcp: { disabled: true }, showDeveloperTools: 'never',
});`;

function renderPage(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)} · Devpilot</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/style.css">${head}</head><body>${body}</body></html>`;
}

function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    .type('text/html; charset=utf-8')
    .send(html);
}

function formatAdvice(advice: string): string {
  return escapeHtml(advice).replace(/`([^`]+)`/g, '<code>$1</code>');
}

/**
 * Registers `/openapi.json`, the API reference at `/docs` and one page per problem type. Register it in a scope that
 * adds the security headers to every response.
 */
export function registerDocs(app: FastifyInstance, context: AppContext): void {
  const codes = Object.keys(CODES) as Code[];
  let referenceScript: Promise<Buffer> | null = null;

  const representationFor = createOpenApiRepresentations(context.version);
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    const { etag, json, compressed } = await representationFor(baseUrlOf(context, request));
    // The document contains the URL of this request, so shared caches must not store it.
    void reply.headers({ etag, vary: 'accept-encoding', 'cache-control': 'private, no-cache' });
    if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag) === true) return reply.code(304).send();
    void reply.type('application/json; charset=utf-8');
    if (negotiateCoding(request.headers['accept-encoding'] ?? '', ['gzip']) === null) return reply.send(json);
    return reply.header('content-encoding', 'gzip').send(compressed);
  });
  app.get('/docs', { schema: { hide: true } }, (_request, reply) =>
    sendHtml(
      reply,
      renderPage(
        'API',
        '<div id="reference"></div>',
        '<script defer src="/docs/scalar.js"></script><script defer src="/docs/start.js"></script>',
      ),
    ),
  );
  app.get('/docs/style.css', { schema: { hide: true } }, (_request, reply) => reply.type('text/css').send(STYLESHEET));
  app.get('/docs/start.js', { schema: { hide: true } }, (_request, reply) =>
    reply.type('text/javascript').send(START_SCRIPT),
  );
  app.get('/docs/scalar.js', { schema: { hide: true } }, async (_request, reply) => {
    if (!existsSync(REFERENCE_SCRIPT_PATH)) {
      return sendProblem(reply, new Problem('not_found', 'The API reference is not built: run `npm run build`.'));
    }
    referenceScript ??= readFile(REFERENCE_SCRIPT_PATH);
    return reply
      .headers({ 'content-encoding': 'gzip', 'cache-control': 'public, max-age=3600' })
      .type('text/javascript')
      .send(await referenceScript);
  });
  app.get('/docs/problems', { schema: { hide: true } }, (_request, reply) => {
    const items = codes.map(
      (code) => `<dt><a href="/docs/problems/${code}">${code}</a></dt><dd>${CODES[code].title}</dd>`,
    );
    return sendHtml(reply, renderPage('Problems', `<h1>Problems</h1><dl>${items.join('')}</dl>`));
  });
  app.get('/docs/problems/:code', { schema: { hide: true } }, (request, reply) => {
    const code = codes.find((code) => code === (request.params as { code: string }).code);
    if (code === undefined) return sendProblem(reply, new Problem('not_found', 'The problem type was not found.'));
    const { title, status } = CODES[code];
    const body = `<h1>${escapeHtml(title)}</h1><p><code>${code}</code>, HTTP ${status}</p><p>${formatAdvice(ADVICE[code])}</p><p><a href="/docs/problems">All problems</a> · <a href="/docs">API</a></p>`;
    return sendHtml(reply, renderPage(title, body));
  });
}
