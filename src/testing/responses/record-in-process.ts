import { recordResponses, responseKey, type SentResponse } from './recorder.ts';
import { expectDocumented } from './validate.ts';

/** Distinct responses of the servers in this process, by port and `responseKey`. */
const responsesByPort = new Map<number, Map<string, SentResponse>>();
/** False in benchmarks, which also start test servers. */
const isTest = process.env['NODE_TEST_CONTEXT'] !== undefined;
if (isTest) recordResponses((response, port) => responsesByPort.get(port)?.set(responseKey(response), response));

/**
 * Records the responses of a server in this process. Returns a function that ends the recording and rejects if a
 * response differs from the OpenAPI document.
 */
export function recordServer(url: string): () => Promise<void> {
  const port = Number(new URL(url).port);
  const responses = new Map<string, SentResponse>();
  if (isTest) responsesByPort.set(port, responses);
  return async () => {
    responsesByPort.delete(port);
    if (responses.size > 0) await expectDocumented(responses.values());
  };
}
