// The screen stays on while something moves, and not longer.

import { MIB } from '../lib/files.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';

scenario('the screen is kept on during a transfer', async (stage) => {
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.limit = 4 * MIB;
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
  await received.waitForState('done');
  // @ts-expect-error put there above
  await receiver.page.waitForFunction(() => window.held.every(({ released }) => released));
});
