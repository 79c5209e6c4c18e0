// What a tab in the background tells of a transfer.

import { MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { scenario } from '../lib/scenario.mjs';

/**
 * Has the page believe that it can be seen, or not.
 * @param {import('playwright-core').Page} page
 * @param {'visible' | 'hidden'} state
 */
async function show(page, state) {
  await page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, state);
}

scenario('the title of a page that cannot be seen shows the progress', async (stage) => {
  const { proxy, receiver, received } = await inTheMiddle(stage);
  proxy.limit = MIB;
  await show(receiver.page, 'hidden');
  await receiver.page.waitForFunction(() => /^\d+ % – mqdrop$/.test(document.title));
  await show(receiver.page, 'visible');
  await receiver.page.waitForFunction(() => document.title === 'mqdrop');
  await show(receiver.page, 'hidden');
  await receiver.page.waitForFunction(() => document.title !== 'mqdrop');
  proxy.limit = Infinity;
  await received.waitForState('done');
  await receiver.page.waitForFunction(() => /^\(1\) Received .* – mqdrop$/.test(document.title));
  await show(receiver.page, 'visible');
  await receiver.page.waitForFunction(() => document.title === 'mqdrop');
});
