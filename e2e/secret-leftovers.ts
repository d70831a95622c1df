import type { Page } from 'playwright-core';

/** The JavaScript heap of a tab as text, garbage collected first. */
async function heapOf(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return chunks.join('');
}

/** Where a secret is still found in a tab: document, fields, storage, address, history, memory. */
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
  const found = Object.entries(textByLocation).flatMap(([location, text]) => (text.includes(secret) ? [location] : []));
  if ((await heapOf(page)).includes(secret)) found.push('memory');
  return found;
}
