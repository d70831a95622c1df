import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fitText, toChatMessage, type WebhookMessage } from './chat-message.ts';
import { toDiscordBody } from './discord.ts';
import { toSlackBody } from './slack.ts';
import { toTeamsBody } from './teams.ts';

const source = { workspaceName: 'Shop & Co', publicUrl: 'https://devpilot.example' };

function messageOf(name: string, fields: Partial<WebhookMessage['data']> = {}): WebhookMessage {
  return {
    type: 'deployment.failed',
    timestamp: '2026-12-10T12:00:00.000Z',
    data: {
      workspaceId: 'wsp_1',
      action: 'deployment.failed',
      actor: { kind: 'person', id: 'per_1', name },
      target: { kind: 'deployment', id: 'dpl_1', name },
      address: '192.0.2.7',
      detail: { failedStep: name, count: 2, before: { name } },
      ...fields,
    },
  };
}

/** Names that a user can choose, and patterns of the markup that a chat would interpret if a name were not escaped. */
const HOSTILE = [
  { text: '<!channel> <@U123> <https://evil.example|Sign in>', slack: /<[!@h]/ },
  { text: '@everyone @here <@123> <#456>', discord: /(?<!\\)[@<#]/ },
  { text: '[Sign in](https://evil.example) https://evil.example', discord: /(?<!\\)[[\]()]|https:\/\/evil/ },
  { text: '**bold** ||spoiler|| `code` > quote # title', discord: /(?<!\\)[*|`>#]/ },
  { text: '\\@everyone', discord: /(?<!\\)(?:\\\\)*@/ },
];

describe('message formats', () => {
  test('names that users choose are escaped', () => {
    for (const { text, slack, discord } of HOSTILE) {
      const message = toChatMessage(messageOf(text), source);
      if (slack !== undefined) {
        const [header, section] = (toSlackBody(message) as { blocks: object[] }).blocks;
        assert.doesNotMatch(JSON.stringify([header, section]), slack);
        assert.match(JSON.stringify(header), /"plain_text"/);
      }
      if (discord !== undefined) {
        const { allowed_mentions: allowedMentions, embeds } = toDiscordBody(message) as {
          allowed_mentions: object;
          embeds: { title: string; fields: { value: string }[] }[];
        };
        assert.deepEqual(allowedMentions, { parse: [] });
        for (const shown of [embeds[0]?.title ?? '', ...(embeds[0]?.fields ?? []).map(({ value }) => value)]) {
          assert.doesNotMatch(shown, discord);
        }
      }
      // Teams interprets Markdown in text blocks and facts, but not in text runs.
      const card = JSON.stringify(toTeamsBody(message));
      assert.ok(card.includes(JSON.stringify(text).slice(1, -1)));
      assert.doesNotMatch(card, /"(TextBlock|FactSet)"|msteams/);
    }
  });

  test('a message contains the event, the workspace, the actor and a link to a page with more details', () => {
    const message = toChatMessage(messageOf('Website'), source);
    assert.deepEqual(message, {
      title: 'Deployment failed: Website',
      fields: [
        ['Workspace', 'Shop & Co'],
        ['By', 'Website'],
        ['Address', '192.0.2.7'],
        ['Failed step', 'Website'],
        ['Count', '2'],
      ],
      tone: 'bad',
      url: 'https://devpilot.example/deployments/dpl_1?workspace=wsp_1',
      timestamp: '2026-12-10T12:00:00.000Z',
    });
  });

  test('a message about a credential that Devpilot deleted contains the name of the credential and Devpilot as the actor', () => {
    const system = { kind: 'system', id: null, name: null };
    const fields = { action: 'access_token.deleted', actor: system, detail: {} };
    const deleted = toChatMessage({ ...messageOf('CI', fields), type: 'audit.event' }, source);
    assert.equal(deleted.title, 'Access token deleted: CI');
    assert.deepEqual(deleted.fields[1], ['By', 'Devpilot']);
  });

  test('a message about a notice has the title of the notice', () => {
    const expiring = toChatMessage(
      {
        ...messageOf('CI'),
        type: 'credential.expiring',
        data: {
          workspaceId: 'wsp_1',
          action: 'credential.expiring',
          target: { kind: 'access_token', id: 'tok_1', name: 'CI' },
          detail: { expiresAt: '2026-12-29T09:00:00.000Z' },
        },
      },
      source,
    );
    assert.deepEqual(
      [expiring.title, expiring.tone, expiring.url],
      [
        'The access token “CI” expires on 2026-12-29 09:00 UTC',
        'bad',
        'https://devpilot.example/settings/access-tokens/tok_1?workspace=wsp_1',
      ],
    );
    const deletedKey = { kind: 'api_key', id: 'key_1', name: 'CI' };
    const chatMessage = toChatMessage(
      {
        ...messageOf('CI', { target: null, credential: deletedKey, detail: { count: 1 } }),
        type: 'credential.used_after_deletion',
      },
      source,
    );
    assert.equal(chatMessage.title, 'The API key “CI” was used after its deletion');
  });

  test('a test message links to the activity log', () => {
    const testMessage = toChatMessage(
      { ...messageOf('CI'), type: 'webhook.test', data: { workspaceId: 'wsp_1' } },
      source,
    );
    assert.deepEqual([testMessage.title, testMessage.fields], ['Webhook test', [['Workspace', 'Shop & Co']]]);
    assert.equal(testMessage.url, 'https://devpilot.example/settings/activity-log?workspace=wsp_1');
  });

  test('a message stays within the limits of each chat', () => {
    for (const character of ['x', '&', '*', '\u{1f600}', '\u0001', '\u202e']) {
      const long = character.repeat(10_000);
      const detail = Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`${long}${number}`, long]));
      const message = toChatMessage(messageOf(long, { detail }), source);
      const { blocks } = toSlackBody(message) as {
        blocks: { text?: { text: string }; fields?: { text: string }[] }[];
      };
      assert.ok((blocks[0]?.text?.text.length ?? 0) <= 150);
      const fields = blocks[1]?.fields ?? [];
      assert.ok(fields.length >= 1 && fields.length <= 10 && fields.every(({ text }) => text.length <= 2000));
      const embed = (
        toDiscordBody(message) as { embeds: { title: string; fields: { name: string; value: string }[] }[] }
      ).embeds[0];
      assert.ok((embed?.title.length ?? 0) <= 256);
      assert.ok(embed?.fields.every(({ name, value }) => name.length <= 256 && value.length <= 1024 && value !== ''));
      const total = (embed?.fields ?? []).reduce((sum, { name, value }) => sum + name.length + value.length, 0);
      assert.ok(total + (embed?.title.length ?? 0) <= 6000, String(total));
      assert.ok(Buffer.byteLength(JSON.stringify(toTeamsBody(message))) < 28_000);
      assert.ok(JSON.stringify(toTeamsBody(message)).isWellFormed());
    }
    assert.equal(
      fitText('a&b', 6, (character) => (character === '&' ? '&amp;' : character)),
      'a…',
    );
    assert.equal(
      fitText('a&b', 7, (character) => (character === '&' ? '&amp;' : character)),
      'a&amp;b',
    );
  });
});
