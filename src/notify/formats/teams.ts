import type { ChatMessage } from './chat-message.ts';

const COLORS = { good: 'Good', bad: 'Attention', neutral: 'Default' } as const;

/** Text runs, unlike text blocks and facts, are not interpreted as Markdown, and mentions would have to be declared. */
const richText = (...inlines: readonly object[]) => ({ type: 'RichTextBlock', inlines });
const run = (text: string, style: object = {}) => ({ type: 'TextRun', text, ...style });

/**
 * Returns an Adaptive Card in the envelope that the trigger "When a Teams webhook request is received" of Power
 * Automate Workflows accepts. Teams refuses more than 28 kB, a size that the limits of `ChatMessage` keep out of reach.
 * Pure.
 */
export function toTeamsBody({ title, facts, tone, url }: ChatMessage): object {
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: 'A message from Devpilot',
    body: [
      richText(run(title, { size: 'Medium', weight: 'Bolder', color: COLORS[tone] })),
      ...facts.map(([label, value]) => richText(run(`${label}: `, { weight: 'Bolder' }), run(value))),
    ],
    actions: [{ type: 'Action.OpenUrl', title: 'Open in Devpilot', url }],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  };
}
