// What a browser kept of a transfer may be spoiled before its page is back.

import assert from 'node:assert/strict';
import { MIB } from '../lib/files.mjs';
import { HELD, inTheMiddle, onlyTheRestIsSent, SIZE } from '../lib/in-the-middle.mjs';
import { BLOCK } from '../lib/member/parcel.mjs';
import { linkTo } from '../lib/room.mjs';
import { scenario } from '../lib/scenario.mjs';
import { steady } from '../lib/steady.mjs';
import { damageStored, storedParcels } from '../lib/stored.mjs';

/** More than must be left: some of it is damaged. */
const ENOUGH = HELD + 6 * MIB;

/** A byte in each of as many blocks, no two of which adjoin. */
const CHANGED = Array.from({ length: 48 }, (_, index) => MIB + 2 * index * BLOCK + index);

/** Not where pieces that are read back at once end. */
const LEFT = HELD + 2 * MIB + 1;

/**
 * What happens to a parcel that is kept, and how many bytes of those that were held are left then, at least and at most.
 * @type {{ what: string, damage: Parameters<typeof damageStored>[2], left: (held: number) => [number, number] }[]}
 */
const DAMAGES = [
  { what: 'notes end too early', damage: { notesAfter: 0.9 }, left: (held) => [HELD, held - BLOCK] },
  {
    what: 'blocks changed',
    damage: { flip: CHANGED },
    left: (held) => [held - CHANGED.length * BLOCK, held - CHANGED.length * BLOCK],
  },
  { what: 'a file was shortened', damage: { contentAfter: LEFT }, left: () => [HELD, LEFT] },
];

scenario('what was damaged in storage, in three ways one after the other, is fetched again, and only that', async (stage) => {
  const transfer = await inTheMiddle(stage, ENOUGH);
  const { receiver, received } = transfer;
  await received.press('pause');
  await received.waitForState('paused');
  let held = await steady(async () => (await received.progress()).bytes);
  for (const { what, damage, left } of DAMAGES) {
    await damageStored(receiver.page, stage.station.origin, damage);
    await receiver.page.goto(linkTo(stage.station.origin, {}));
    await receiver.waitForStatus('online');
    await received.waitForState('paused');
    const { bytes } = await received.progress();
    const [least, most] = left(held);
    assert.ok(least <= bytes && bytes <= most, `${what}: ${bytes} of ${held} bytes are left, of ${least} to ${most}`);
    held = bytes;
  }
  const sent = await onlyTheRestIsSent(transfer, () => received.press('resume'));
  assert.ok(sent >= SIZE - held, `${sent} bytes were sent`);
});

scenario('what has damaged notes is kept until its user discards it', async (stage) => {
  const { receiver } = await inTheMiddle(stage);
  await damageStored(receiver.page, stage.station.origin, { notesAfter: 0.001 });
  await receiver.page.goto(linkTo(stage.station.origin, {}));
  await receiver.byId('kept-notice').waitFor();
  assert.match(await receiver.byId('kept-notice').innerText(), /1 transfer with damaged notes, 25 MB/);
  assert.equal((await storedParcels(receiver.page)).length, 1);
  receiver.page.once('dialog', (dialog) => void dialog.accept());
  await receiver.byId('discard-kept').click();
  await receiver.byId('kept-notice').waitFor({ state: 'detached' });
});
