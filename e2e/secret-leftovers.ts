import type { Page } from 'playwright-core';

/** Returns the JavaScript heap of a tab as text, after garbage collection. */
async function takeHeapSnapshot(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return chunks.join('');
}

/** Returns the places in a tab, such as its storage or memory, that still contain a secret. */
export async function findSecretInTab(page: Page, secret: string): Promise<string[]> {
  const textByLocation: Record<string, string> = await page.evaluate(() => ({
    document: document.documentElement.outerHTML,
    fields: [...document.querySelectorAll('input, textarea')]
      .map((element) => (element as HTMLInputElement).value)
      .join('\n'),
    'local storage': JSON.stringify({ ...localStorage }),
    'session storage': JSON.stringify({ ...sessionStorage }),
    cookies: document.cookie,
    address: window.location.href,
    history: JSON.stringify(window.history.state) ?? '',
    title: document.title,
  }));
  const locations = Object.entries(textByLocation).flatMap(([location, text]) =>
    text.includes(secret) ? [location] : [],
  );
  if ((await takeHeapSnapshot(page)).includes(secret)) locations.push('memory');
  return locations;
}
