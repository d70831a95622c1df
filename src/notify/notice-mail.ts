import { escapeHtml } from '../contract/html.ts';
import type { Notice } from '../contract/notices.ts';
import { redactSecrets } from '../contract/redact.ts';

/** An email about notices. */
export interface NoticeMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Maximum number of notices that an email describes; the others are only counted. */
const MAX_DESCRIBED = 50;
const MAX_SUBJECT_LENGTH = 150;

/** Returns a text as one line, with secrets redacted: names and error titles may contain them. */
const toLine = (text: string): string => redactSecrets(text).replace(/\s+/g, ' ').trim();

/** Returns lines with the creator, the last use and the addresses of a notice's credential. */
function describeCredential({ credential }: Notice): string[] {
  if (credential === null) return [];
  const { createdBy, lastUsedAt, addresses } = credential;
  const creator = createdBy === null ? 'an account that was deleted' : `${createdBy.name} (${createdBy.email})`;
  const uses = addresses.map(({ address, lastSeenAt }) => `${address} (${lastSeenAt})`).join(', ');
  return [
    `Credential created by ${creator}`,
    ...(lastUsedAt === null ? [] : [`Last used: ${lastUsedAt}`]),
    ...(uses === '' ? [] : [`Used from: ${uses}`]),
  ].map(toLine);
}

/** Returns an email about notices, as plain text and as HTML. It never contains a secret. Pure. */
export function renderMail(
  notices: readonly Notice[],
  { workspace, publicUrl, unsubscribeUrl }: { workspace: string; publicUrl: string; unsubscribeUrl: string },
): NoticeMail {
  const name = toLine(workspace);
  const [firstNotice] = notices;
  const subject =
    notices.length === 1 && firstNotice !== undefined
      ? toLine(firstNotice.title)
      : `${notices.length} notices need attention`;
  const items = notices.slice(0, MAX_DESCRIBED).map((notice) => ({
    title: toLine(notice.title),
    details: describeCredential(notice),
    action: toLine(notice.action.text),
    url: `${publicUrl}${notice.action.path}`,
  }));
  const remainderNote = notices.length > items.length ? [`And ${notices.length - items.length} more.`] : [];
  const footer = `You receive this email because you manage the workspace ${name} on Devpilot.`;
  const text = [
    ...items.map(({ title, details, action, url }) => [`* ${title}`, ...details, `${action}: ${url}`].join('\n  ')),
    ...remainderNote,
    // "-- " begins the signature, which mail clients omit from replies.
    `-- \n${footer}\nUnsubscribe: ${unsubscribeUrl}`,
  ].join('\n\n');
  const link = (url: string, label: string) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`;
  const html = [
    '<!doctype html><html lang="en"><body style="font-family:sans-serif">',
    ...items.map(({ title, details, action, url }) => {
      const lines = details.map((line) => `${escapeHtml(line)}<br>`).join('');
      return `<p><strong>${escapeHtml(title)}</strong><br>${lines}${link(url, action)}</p>`;
    }),
    ...remainderNote.map((line) => `<p>${escapeHtml(line)}</p>`),
    `<hr><p><small>${escapeHtml(footer)} ${link(unsubscribeUrl, 'Unsubscribe')}</small></p></body></html>`,
  ].join('\n');
  return { subject: `[${name}] ${subject}`.slice(0, MAX_SUBJECT_LENGTH), text: `${text}\n`, html };
}
