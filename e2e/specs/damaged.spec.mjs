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
const ENOUGH = HELD + 2 * MIB;

/** A byte in each of as many blocks, no two of which adjoin. */
const CHANGED = Array.from({ length: 48 }, (_, index) => MIB + 2 * index * BLOCK + index);

/** Not where pieces that are read back at once end. */
const LEFT = HELD + MIB + 1;

for (const { what, damage, left } of [
  {
    what: 'blocks that changed',
    damage: { flip: CHANGED },
    left: (/** @type {number} */ held) => [held - CHANGED.length * BLOCK, held - CHANGED.length * BLOCK],
  },
  { what: 'blocks that a shortened file lacks', damage: { contentAfter: LEFT }, left: () => [HELD, LEFT] },
  {
    what: 'blocks of which the notes end too early',
    damage: { notesAfter: 0.9 },
    left: (/** @type {number} */ held) => [HELD, held - BLOCK],
  },
]) {
  scenario(`${what} in storage are fetched again, and only they`, async (stage) => {
    const transfer = await inTheMiddle(stage, ENOUGH);
    const { receiver, received } = transfer;
    await received.press('pause');
    await received.waitForState('paused');
    const held = await steady(async () => (await received.progress()).bytes);
    await damageStored(receiver.page, stage.station.origin, damage);
    await receiver.page.goto(linkTo(stage.station.origin, {}));
    await receiver.waitForStatus('online');
    await received.waitForState('paused');
    const { bytes } = await received.progress();
    const [least, most] = left(held);
    assert.ok(least <= bytes && bytes <= most, `${bytes} of ${held} bytes are left, of ${least} to ${most}`);
    const sent = await onlyTheRestIsSent(transfer, () => received.press('resume'));
    assert.ok(sent >= SIZE - bytes, `${sent} bytes were sent`);
  });
}

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
