import { escapeHtml } from '../contract/html.ts';
import type { Notice } from '../contract/notices.ts';
import { redactSecrets } from '../contract/redact.ts';

/** A mail about notices. */
export interface NoticeMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Maximum number of notices that a mail describes; the others are only counted. */
const MAX_DESCRIBED = 50;
const MAX_SUBJECT_LENGTH = 150;

/** Converts a text to one line and redacts secrets, which names and titles of errors may contain. */
const toLine = (text: string): string => redactSecrets(text).replace(/\s+/g, ' ').trim();

/** Returns who created the credential of a notice, and what uses it. */
function describeCredential({ credential }: Notice): string[] {
  if (credential === null) return [];
  const { createdBy, lastUsedAt, addresses } = credential;
  const creator = createdBy === null ? 'an account that was deleted' : `${createdBy.name} (${createdBy.email})`;
  const uses = addresses.map(({ address, lastSeenAt }) => `${address} (${lastSeenAt})`).join(', ');
  return [
    `Created by ${creator}`,
    ...(lastUsedAt === null ? [] : [`Last used: ${lastUsedAt}`]),
    ...(uses === '' ? [] : [`Used from: ${uses}`]),
  ].map(toLine);
}

/** Returns a mail about notices, as plain text and as HTML. Never contains a secret. Pure. */
export function renderMail(
  notices: readonly Notice[],
  { workspace, publicUrl, unsubscribeUrl }: { workspace: string; publicUrl: string; unsubscribeUrl: string },
): NoticeMail {
  const name = toLine(workspace);
  const [firstNotice] = notices;
  const subject =
    notices.length === 1 && firstNotice !== undefined
      ? toLine(firstNotice.title)
      : `${notices.length} things need attention`;
  const items = notices.slice(0, MAX_DESCRIBED).map((notice) => ({
    title: toLine(notice.title),
    facts: describeCredential(notice),
    action: toLine(notice.action.text),
    url: `${publicUrl}${notice.action.path}`,
  }));
  const more = notices.length > items.length ? [`And ${notices.length - items.length} more.`] : [];
  const footer = `You receive this because you manage the workspace ${name} on Devpilot.`;
  const text = [
    ...items.map(({ title, facts, action, url }) => [`* ${title}`, ...facts, `${action}: ${url}`].join('\n  ')),
    ...more,
    `-- \n${footer}\nUnsubscribe: ${unsubscribeUrl}`,
  ].join('\n\n');
  const link = (url: string, label: string) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`;
  const html = [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif">',
    ...items.map(({ title, facts, action, url }) => {
      const lines = facts.map((fact) => `${escapeHtml(fact)}<br>`).join('');
      return `<p><strong>${escapeHtml(title)}</strong><br>${lines}${link(url, action)}</p>`;
    }),
    ...more.map((line) => `<p>${escapeHtml(line)}</p>`),
    `<hr><p><small>${escapeHtml(footer)} ${link(unsubscribeUrl, 'Unsubscribe')}</small></p></body></html>`,
  ].join('\n');
  return { subject: `[${name}] ${subject}`.slice(0, MAX_SUBJECT_LENGTH), text: `${text}\n`, html };
}
