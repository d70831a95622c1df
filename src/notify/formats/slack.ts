import { type ChatMessage, fitText } from './chat-message.ts';

/** Slack's limits in characters for headers and section fields (https://docs.slack.dev/reference/block-kit/blocks). */
const MAX_HEADER_LENGTH = 150;
const MAX_FIELD_LENGTH = 2000;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** Escapes Slack's control characters, so that no text becomes a link or a mention such as `<!channel>`. */
const escapeCharacter = (character: string): string => ENTITIES[character] ?? character;
/** Returns a text object in which Slack interprets no formatting. */
const plainText = (text: string, maxLength: number) => ({
  type: 'plain_text',
  text: fitText(text, maxLength, escapeCharacter),
  emoji: false,
});

/**
 * Returns the body of a request to an incoming webhook of Slack, or of a chat that accepts the same format, such as
 * Mattermost. Pure.
 */
export function toSlackBody({ title, fields, url }: ChatMessage): object {
  return {
    // Slack shows this text in its notifications.
    text: fitText(title, MAX_FIELD_LENGTH, escapeCharacter),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plainText(title, MAX_HEADER_LENGTH) },
      { type: 'section', fields: fields.map(([label, value]) => plainText(`${label}: ${value}`, MAX_FIELD_LENGTH)) },
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: `<${[...url].map(escapeCharacter).join('')}|Open in Devpilot>` }],
      },
    ],
  };
}
