// A transfer survives its broker, which is killed without warning and forgets everything.

import { MIB } from '../lib/files.mjs';
import { survivesKills } from '../lib/kills.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStation } from '../lib/station.mjs';

const KILLS = 10;

scenario(`a file arrives though the broker is killed and started again ${KILLS} times`, async (stage) => {
  await survivesKills(stage, startStation(), { kills: KILLS, step: 4 * MIB, size: 100 * MIB, patience: 90_000 });
}, { timeout: 300_000 });
