// A transfer survives its broker, which is killed without warning and forgets everything.

import { SOCKET_FAILED } from '../lib/browser.mjs';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';

const KILLS = 10;
/** How much arrives between two kills, at least. */
const STEP = 4 * MIB;
const SIZE = 100 * MIB;

scenario(`a file arrives though the broker is killed and started again ${KILLS} times`, async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const broker = await stage.use(startStation());
  const proxy = await stage.use(proxyTo(broker.broker));
  // Slow enough for every kill to come in the middle.
  proxy.limit = 8 * MIB;
  const [sender, receiver] = await stage.pair({ broker: proxy.broker }, { broker: broker.broker });
  const file = await stage.file('stubborn.bin', SIZE);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  for (let kill = 0; kill < KILLS; kill += 1) {
    await received.waitForMiddle((await received.progress()).bytes + STEP);
    await broker.kill();
    await broker.restart();
  }
  proxy.limit = Infinity;
  await Promise.all([received.waitForState('done', 90_000), sent.waitForState('done', 90_000)]);
  await assertSaved(received, [file]);
}, { timeout: 300_000 });
