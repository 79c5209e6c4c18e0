// The built site works from any static host.

import { fileURLToPath } from 'node:url';
import { arrives } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStaticHost } from '../lib/static-host.mjs';

const site = process.env.MQDROP_SITE ?? fileURLToPath(new URL('../../dist', import.meta.url));

scenario('under a sub-path of a static host, with a broker elsewhere', async (stage) => {
  const { origin } = await stage.use(startStaticHost(site, '/tools/drop'));
  const file = await stage.file('hosted.bin', MIB);
  await arrives(stage, { broker: stage.station.broker }, [file], { origin });
});
