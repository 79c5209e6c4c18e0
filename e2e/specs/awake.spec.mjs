// The screen stays on while something moves, and not longer.

import assert from 'node:assert/strict';
import { INSECURE_HOST } from '../lib/browser.mjs';
import { MIB } from '../lib/files.mjs';
import { inTheMiddle } from '../lib/in-the-middle.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('the screen is kept on during a transfer', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = MIB;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  await receiver.page.evaluate(() => {
    const locks = navigator.wakeLock;
    const request = locks.request.bind(locks);
    Object.assign(window, { held: [] });
    locks.request = async (type) => {
      const lock = await request(type);
      // @ts-expect-error put there above
      window.held.push(lock);
      return lock;
    };
  });
  const file = await stage.file('long.bin', 12 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  // @ts-expect-error put there above
  await receiver.page.waitForFunction(() => window.held.some(({ released }) => !released));
  proxy.limit = Infinity;
  await received.waitForState('done');
  // @ts-expect-error put there above
  await receiver.page.waitForFunction(() => window.held.every(({ released }) => released));
});

scenario('where a phone lets its screen go dark, its user is told while something moves', async (stage) => {
  const origin = `http://${INSECURE_HOST}:${stage.station.port}`;
  const phone = await stage.join('Cy', {}, { origin, options: { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } } });
  const { proxy, sent, receiver } = await inTheMiddle(stage);
  const notice = phone.byId('screen-notice');
  assert.equal(await notice.count(), 0, 'nothing moves there');
  const received = await phone.incoming(sent);
  await received.press('accept');
  await notice.getByText(/Keep the screen on/).waitFor();
  assert.equal(await receiver.byId('screen-notice').count(), 0, 'a secure page keeps it on');
  proxy.limit = Infinity;
  await received.waitForState('done');
  await notice.waitFor({ state: 'detached' });
});
