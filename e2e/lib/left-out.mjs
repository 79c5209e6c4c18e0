// A parcel of which one file cannot be sent to its end.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { KIB, MIB } from './files.mjs';

/**
 * Sends two files, of which the second one changes while it is sent: both sides read that, and the first one is saved.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {import('./room.mjs').Room} sender behind a slow connection
 * @param {import('./room.mjs').Room} receiver
 */
export async function missesOneFile(stage, sender, receiver) {
  const [note, diary] = [await stage.file('note.bin', 100 * KIB), await stage.file('diary.bin', 24 * MIB)];
  const sent = await sender.sendFiles([note.path, diary.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForMiddle(MIB);
  await writeFile(diary.path, 'another day');
  await Promise.all([sent.waitForState('failed'), received.waitForState('failed')]);
  for (const transfer of [sent, received]) {
    assert.match(await transfer.byId('transfer-error').innerText(), /diary\.bin.* (changed|removed)/);
    assert.equal(await transfer.byId('file').nth(1).getAttribute('data-left-out'), 'true');
  }
  const saved = await received.saveFile('note.bin');
  assert.deepEqual({ size: saved.size, sha256: saved.sha256 }, { size: note.size, sha256: note.sha256 });
  assert.equal(await received.byId('save-file').count(), 1);
}
