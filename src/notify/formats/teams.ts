import type { ChatMessage } from './chat-message.ts';

const COLORS = { good: 'Good', bad: 'Attention', neutral: 'Default' } as const;

/** Teams interprets Markdown in text blocks and facts, but not in text runs. */
const richText = (...inlines: readonly object[]) => ({ type: 'RichTextBlock', inlines });
const textRun = (text: string, style: object = {}) => ({ type: 'TextRun', text, ...style });

/**
 * Returns an Adaptive Card in the envelope that the Power Automate trigger "When a Teams webhook request is received"
 * accepts. Teams rejects messages over 28 kB; the length limits of `toChatMessage` keep every message below that. Pure.
 */
export function toTeamsBody({ title, fields, tone, url }: ChatMessage): object {
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: 'A message from Devpilot',
    body: [
      richText(textRun(title, { size: 'Medium', weight: 'Bolder', color: COLORS[tone] })),
      ...fields.map(([label, value]) => richText(textRun(`${label}: `, { weight: 'Bolder' }), textRun(value))),
    ],
    actions: [{ type: 'Action.OpenUrl', title: 'Open in Devpilot', url }],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  };
}
