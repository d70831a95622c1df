import { type ChatMessage, fitText } from './chat-message.ts';

/** Discord's limits in characters (https://docs.discord.com/developers/resources/message, "Embed Limits"). */
const LIMITS = { title: 256, fieldName: 256, fieldValue: 1024 } as const;
const COLORS = { good: 0x2f9e44, bad: 0xe03131, neutral: 0x868e96 } as const;

/** Puts a backslash before ASCII punctuation, so that no text becomes Markdown, a mention or a link. */
const escapeCharacter = (character: string): string => character.replace(/[!-/:-@[-`{-~]/, '\\$&');

/** Returns the body of a request to a Discord webhook. Pure. */
export function toDiscordBody({ title, fields, tone, url, timestamp }: ChatMessage): object {
  return {
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: fitText(title, LIMITS.title, escapeCharacter),
        url,
        color: COLORS[tone],
        timestamp,
        fields: fields.map(([label, value]) => ({
          name: fitText(label, LIMITS.fieldName, escapeCharacter),
          value: fitText(value, LIMITS.fieldValue, escapeCharacter),
          inline: true,
        })),
      },
    ],
  };
}
