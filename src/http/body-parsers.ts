import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { checkJsonLimits, JSON_LIMITS } from '../platform/bounded-json.ts';

export const FORM_CONTENT_TYPE = 'application/x-www-form-urlencoded';

/** Parses the fields of a form. Throws `too_large` for too many fields and `invalid_request` for a repeated field. */
function parseForm(text: string): Record<string, string> {
  let count = 1;
  for (let index = text.indexOf('&'); index !== -1; index = text.indexOf('&', index + 1)) {
    if (++count > LIMITS.formFields) {
      throw new Problem('too_large', `The form must not contain more than ${LIMITS.formFields} fields.`);
    }
  }
  const fields = [...new URLSearchParams(text)];
  const form = Object.fromEntries(fields);
  if (Object.keys(form).length < fields.length) {
    throw new Problem('invalid_request', 'The form contains a field twice.');
  }
  return form;
}

/**
 * Adds the parsers for JSON and forms. An empty JSON body becomes undefined. `__proto__` stays an ordinary key, which
 * schemas reject.
 */
export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // RFC 9110, section 5.6.6, allows a tab next to the semicolon, but only attacks use one (as in CVE-2026-25223).
    if (request.headers['content-type']?.includes('\t')) throw new Problem('unsupported_media_type');
    if (body.length === 0) return undefined;
    await checkJsonLimits(body, request.routeOptions.config.jsonLimits ?? JSON_LIMITS);
    try {
      return JSON.parse(body.toString()) as unknown;
    } catch {
      throw new Problem('invalid_request', 'The body is not well-formed JSON.');
    }
  });
  const form = { parseAs: 'string', bodyLimit: LIMITS.formBodyBytes } as const;
  app.addContentTypeParser(FORM_CONTENT_TYPE, form, (_request, body, done) => done(null, parseForm(String(body))));
}
