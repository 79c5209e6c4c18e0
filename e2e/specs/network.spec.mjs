// A network that breaks again and again, or is slow, is put to use as well as it can be.

import assert from 'node:assert/strict';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { MIB } from '../lib/files.mjs';
import { onItsWay } from '../lib/on-its-way.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { arrived, throughProxy } from '../lib/through-proxy.mjs';

/** How long a file may take in the end, in milliseconds. */
const RECOVERY = 90_000;

scenario('200 MB arrive though every connection is cut every two seconds', async (stage) => {
  const { proxy, sender, ...journey } = await throughProxy(stage, 200_000_000);
  // Two cuts while frames are still growing would look like a broker's limit.
  await journey.received.waitForMiddle(64 * MIB);
  proxy.limit = 16 * MIB;
  let cuts = 0;
  const cutting = setInterval(() => {
    proxy.cut();
    cuts += 1;
  }, 2_000);
  try {
    await arrived(journey, 240_000);
  } finally {
    clearInterval(cutting);
  }
  assert.ok(cuts >= 5, `there were ${cuts} cuts`);
  assert.equal(await sender.limit(), undefined, 'a cut is no limit of the broker');
}, { timeout: 300_000 });

scenario('300 ms round trip at 20 Mbit/s are put to use, after a cut as before', async (stage) => {
  const RATE = 2_500_000;
  stage.expectNoise(SOCKET_FAILED);
  const proxy = await stage.use(proxyTo(stage.station.broker));
  proxy.latency = 150;
  proxy.limit = RATE;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, {});
  for (const name of ['before.bin', 'after.bin']) {
    const journey = await onItsWay(stage, sender, receiver, 20 * MIB, { name });
    const began = Date.now();
    await journey.sent.waitForState('done', RECOVERY);
    const share = journey.file.size / RATE / ((Date.now() - began) / 1000);
    assert.ok(share > 0.6, `${name} uses ${Math.round(share * 100)} % of what the line can do`);
    await arrived(journey, RECOVERY);
    proxy.cut();
    await sender.waitUntilNotOnline();
    await sender.waitForStatus('online');
  }
}, { timeout: 180_000 });
