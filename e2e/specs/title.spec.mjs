// What a tab in the background tells of a transfer.

import { MIB } from '../lib/files.mjs';
import { proxyTo } from '../lib/proxy.mjs';
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
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  const file = await stage.file('long.bin', 16 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await show(receiver.page, 'hidden');
  await received.press('accept');
  await receiver.page.waitForFunction(() => /^\d+ % – mqdrop$/.test(document.title));
  await show(receiver.page, 'visible');
  await receiver.page.waitForFunction(() => document.title === 'mqdrop');
  await show(receiver.page, 'hidden');
  await receiver.page.waitForFunction(() => document.title !== 'mqdrop');
  await received.waitForState('done');
  await receiver.page.waitForFunction(() => document.title === 'mqdrop');
});
