import type { FastifyInstance, FastifyReply } from 'fastify';
import { escapeHtml } from '../contract/html.ts';
import { LIMITS } from '../contract/limits.ts';
import { findUnsubscriber, unsubscribe } from '../notify/notifications.ts';
import type { AppContext } from './app-context.ts';
import { originOf } from './request-context.ts';

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const OPTIONS = { schema: { hide: true } } as const;

function sendPage(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'cache-control': 'no-store' })
    .type('text/html; charset=utf-8')
    .send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Email settings · Devpilot</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/style.css"></head><body>${body}</body></html>`);
}

/**
 * Registers the page for the unsubscribe link in emails, which needs no sign-in (RFC 8058). Opening the link changes
 * nothing, because mail scanners also open it. The button on the page, or the email client, sends a POST to the same
 * URL, whose body is ignored.
 */
export function registerUnsubscribe(scope: FastifyInstance, context: AppContext): void {
  const { notify } = context;
  void scope.register((app, _options, done) => {
    app.removeAllContentTypeParsers();
    const parser = { parseAs: 'buffer', bodyLimit: LIMITS.formBodyBytes } as const;
    app.addContentTypeParser('*', parser, (_request, _body, parsed) => parsed(null));
    const url = '/unsubscribe/:token';
    const invalidLinkHtml =
      '<h1>This link is not valid</h1><p>The link is incomplete, you are no longer a member of the workspace, or the secret of the server was replaced after the email was sent. Sign in to change which emails you receive.</p>';
    app.get<{ Params: { token: string } }>(url, OPTIONS, async (request, reply) => {
      const recipient = await findUnsubscriber(notify, request.params.token);
      if (recipient === null) return sendPage(reply, 404, invalidLinkHtml);
      const name = escapeHtml(recipient.workspace_name);
      return sendPage(
        reply,
        200,
        `<h1>Unsubscribe from notices?</h1><p>You will no longer receive emails about notices in the workspace ${name}. You can still see the notices in Devpilot.</p>
<form method="post"><button>Unsubscribe</button></form>`,
      );
    });
    app.post<{ Params: { token: string } }>(url, OPTIONS, async (request, reply) => {
      const recipient = await findUnsubscriber(notify, request.params.token);
      if (recipient === null) return sendPage(reply, 404, invalidLinkHtml);
      await unsubscribe(notify, recipient, originOf(request));
      const name = escapeHtml(recipient.workspace_name);
      return sendPage(
        reply,
        200,
        `<h1>You are unsubscribed</h1><p>You will no longer receive emails about notices in the workspace ${name}.</p>`,
      );
    });
    done();
  });
}
