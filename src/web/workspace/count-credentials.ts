import type { Client } from '../../sdk/client.ts';

/** Larger numbers are not counted exactly. */
const MAX_COUNTED = 1000;

async function countItems(list: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of list) if (++total > MAX_COUNTED) break;
  return total;
}

function formatCount(total: number, one: string, many: string): string {
  if (total > MAX_COUNTED) return `more than ${MAX_COUNTED} ${many}`;
  return total === 1 ? `1 ${one}` : `${total} ${many}`;
}

/** Returns the number of credentials: “3 access tokens and 1 API key”. */
export async function countCredentials(api: Client, signal: AbortSignal): Promise<string> {
  const [tokens, keys] = await Promise.all([
    countItems(api.accessTokens.all({ limit: 200 }, { signal })),
    countItems(api.apiKeys.all({ limit: 200 }, { signal })),
  ]);
  return `${formatCount(tokens, 'access token', 'access tokens')} and ${formatCount(keys, 'API key', 'API keys')}`;
}
