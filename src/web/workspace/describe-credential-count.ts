import type { Client } from '../../sdk/client.ts';
import { strings } from './strings.ts';

const MAX_COUNTED = 1000;

/** Counts the items of a list; returns `MAX_COUNTED + 1` if there are more than `MAX_COUNTED`. */
async function countItems(list: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of list) {
    count++;
    if (count > MAX_COUNTED) break;
  }
  return count;
}

/** Describes the number of the workspace's credentials, such as "3 access tokens and 1 API key". */
export async function describeCredentialCount(api: Client, signal: AbortSignal): Promise<string> {
  const [tokens, keys] = await Promise.all([
    countItems(api.accessTokens.all({ limit: 200 }, { signal })),
    countItems(api.apiKeys.all({ limit: 200 }, { signal })),
  ]);
  const texts = strings.credentialCount;
  return texts.both(
    tokens > MAX_COUNTED ? texts.moreAccessTokens(MAX_COUNTED) : texts.accessTokens(tokens),
    keys > MAX_COUNTED ? texts.moreApiKeys(MAX_COUNTED) : texts.apiKeys(keys),
  );
}
