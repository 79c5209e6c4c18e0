// Everything through the station's own broker.

import { arrives, carriesEverything, filesArrive } from '../lib/contents.mjs';
import { KIB, MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';

carriesEverything('station', () => ({}), { version: 'MQTT 5' });
carriesEverything('station, 3.1.1', () => ({ protocol: '3.1.1' }), { version: 'MQTT 3.1.1' });

scenario('station: files that are no longer than a block, or a little, arrive alone', async (stage) => {
  const [sender, receiver] = await stage.pair();
  for (const size of [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1]) {
    await filesArrive(sender, receiver, [await stage.file(`${size}.bin`, size)]);
  }
});

scenario('station: 100 MiB arrive', async (stage) => {
  await arrives(stage, {}, [await stage.file('large.bin', 100 * MIB)], { milliseconds: 240_000 });
}, { timeout: 300_000 });
