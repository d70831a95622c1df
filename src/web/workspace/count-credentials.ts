import type { Client } from '../../sdk/client.ts';

/** Beyond this many a person does not need to know it to the last one. */
const ENOUGH = 1000;

async function count(list: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of list) if (++total > ENOUGH) break;
  return total;
}

function say(total: number, one: string, many: string): string {
  if (total > ENOUGH) return `more than ${ENOUGH} ${many}`;
  return total === 1 ? `1 ${one}` : `${total} ${many}`;
}

/** “3 access tokens and 1 API key”. */
export async function countCredentials(api: Client, signal: AbortSignal): Promise<string> {
  const [tokens, keys] = await Promise.all([
    count(api.accessTokens.all({ limit: 200 }, { signal })),
    count(api.apiKeys.all({ limit: 200 }, { signal })),
  ]);
  return `${say(tokens, 'access token', 'access tokens')} and ${say(keys, 'API key', 'API keys')}`;
}
