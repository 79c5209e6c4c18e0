// After an interruption only what was under way is sent again, whatever was interrupted.

import assert from 'node:assert/strict';
import { assertSaved } from '../lib/contents.mjs';
import { KIB } from '../lib/files.mjs';
import { INTERRUPTIONS } from '../lib/interruptions.mjs';
import { begun, SIZE } from '../lib/journey.mjs';
import { BLOCK } from '../lib/member/parcel.mjs';
import { scenario } from '../lib/scenario.mjs';
import { steady } from '../lib/steady.mjs';

/** From when everything works again until the file must be there, in milliseconds. */
const RECOVERY = 90_000;
/**
 * So much a sender sends to find out whether anything gets through, in bytes: its smallest window
 * after 1, 3 and 7 s. After 15 s of silence it sends nothing more.
 */
const PROBES = 3 * 64 * KIB;

for (const [what, { stop, goOn, unnoticed = false, inATab = false }] of Object.entries(INTERRUPTIONS)) {
  scenario(`after ${what} no more than what was under way is sent again`, async (stage) => {
    const journey = await begun(stage, inATab);
    const { near: { wire }, file, sent, received, interrupted } = journey;
    const early = (await sent.progress()).bytes;
    await stop(journey);
    await steady(async () => wire.published + wire.again + (await received.progress()).bytes);
    const before = interrupted();
    const acknowledged = (await sent.progress()).bytes;
    // A sender that was restarted has to be told anew; what a receiver holds it need not be sent.
    const held = Math.max(acknowledged, (await received.progress()).bytes);
    const intoSilence = wire.published + wire.again - before.published - before.again;
    await goOn(journey);
    await Promise.all([received.waitForState('done', RECOVERY), sent.waitForState('done', RECOVERY)]);

    // The file, its manifest and its digests.
    assert.equal(wire.published, SIZE + 2 * BLOCK, 'every block was seen');
    // The manifest is no content.
    const published = before.published - BLOCK;
    const underWay = published - held;
    assert.ok(underWay >= 0 && underWay < SIZE / 4, `${underWay} bytes were under way: nothing to measure by`);
    // The sender's window was full but for a frame, which is a quarter of it at most, so what it had
    // room for is less than what was under way. What was acknowledged just then made room as well.
    const most = unnoticed ? published - early + (acknowledged - early) + PROBES : 0;
    assert.ok(intoSilence <= most, `${intoSilence} bytes were sent into the silence, not ${most}`);
    // The 1 % is for a frame or two of those that brokers may drop at any time, being of QoS 0.
    const again = wire.again - before.again;
    const allowed = underWay + intoSilence + SIZE / 100;
    assert.ok(again <= allowed, `${again} bytes were sent again, ${underWay} were under way and ${intoSilence} were sent into the silence`);
    await assertSaved(received, [file]);
  }, { timeout: 180_000 });
}
