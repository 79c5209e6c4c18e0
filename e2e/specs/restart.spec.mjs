// What was accepted is not lost when a page is reloaded or closed, on either side.

import assert from 'node:assert/strict';
import { open, stat, utimes } from 'node:fs/promises';
import { assertSaved } from '../lib/contents.mjs';
import { MIB } from '../lib/files.mjs';
import { HELD, inTheMiddle, onlyTheRestIsSent, SIZE } from '../lib/in-the-middle.mjs';
import { Room } from '../lib/room.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';
import { Transfer } from '../lib/transfer.mjs';

scenario('a receiver whose page is reloaded goes on from what it holds', async (stage) => {
  const transfer = await inTheMiddle(stage, HELD);
  const { receiver, received } = transfer;
  await receiver.reload();
  await received.waitForState('paused');
  assert.match(await received.describe(), /Not finished when this page was closed/);
  await onlyTheRestIsSent(transfer, () => received.press('resume'));
});

scenario('a worker that crashes is named, and after a reload the transfer goes on', async (stage) => {
  const transfer = await inTheMiddle(stage, HELD);
  const { receiver, received } = transfer;
  stage.expectNoise(/crashed on purpose/);
  await receiver.crash('engine');
  await receiver.byId('error').waitFor();
  assert.match(await receiver.byId('error').innerText(), /The app has stopped. Reload/);
  await receiver.reload();
  await received.waitForState('paused');
  await onlyTheRestIsSent(transfer, () => received.press('resume'));
});

scenario('a crash of the thread that has the WebSocket is no more than a lost connection', async (stage) => {
  const transfer = await inTheMiddle(stage, HELD);
  const { sender, receiver } = transfer;
  stage.expectNoise(/crashed on purpose/);
  for (const [name, room] of /** @type {const} */ ([['Ada', sender], ['Bo', receiver]])) {
    await room.crash('socket');
    await stage.noiseOf(name).waitFor(/crashed on purpose/);
  }
  await onlyTheRestIsSent(transfer);
  assert.equal(await receiver.byId('error').count(), 0);
});

for (const { what, error, said } of [
  // It takes less than it is given.
  { what: 'a disk that is full', error: undefined, said: /no space left on this device/ },
  {
    what: 'storage that fails',
    error: { name: 'UnknownError', message: 'The disk was pulled out' },
    said: /did not store what arrived: .*pulled out.*Resume to try again/,
  },
]) {
  scenario(`${what} in the middle pauses the transfer, which goes on when it works again`, async (stage) => {
    const transfer = await inTheMiddle(stage, HELD);
    const { receiver, received } = transfer;
    const worker = await receiver.worker('engine');
    await worker.evaluate((error) => {
      const { prototype } = /** @type {any} */ (globalThis).FileSystemSyncAccessHandle;
      const { write } = prototype;
      prototype.write = () => {
        if (error) throw new DOMException(error.message, error.name);
        return 0;
      };
      Object.assign(globalThis, { mend: () => (prototype.write = write) });
    }, error);
    await received.waitForState('paused');
    assert.match(await received.describe(), said);
    // @ts-expect-error put there above
    await worker.evaluate(() => void mend());
    await onlyTheRestIsSent(transfer, () => received.press('resume'));
  });
}

scenario('a receiver that leaves the room goes on when it is back', async (stage) => {
  const transfer = await inTheMiddle(stage, HELD);
  const { sent, receiver, received } = transfer;
  const { bytes } = await received.progress();
  await receiver.byId('leave').click();
  await sent.waitForReceiver('Bo', 'waiting');
  await receiver.join({ key: KEY, name: 'Bo' });
  await receiver.waitForStatus('online');
  await received.waitForState('paused');
  assert.match(await received.describe(), /the room was left/);
  assert.ok((await received.progress()).bytes >= bytes);
  await onlyTheRestIsSent(transfer, () => received.press('resume'));
  assert.equal(await sent.byId('receiver').count(), 1);
});

scenario('a receiver whose sender leaves keeps what arrived, and is told; it goes on when that is back', async (stage) => {
  const transfer = await inTheMiddle(stage, HELD);
  const { proxy, sender, sent, received } = transfer;
  await sender.byId('leave').click();
  await sender.byId('kept-notice').waitFor();
  await received.waitForState('waiting');
  assert.match(await received.describe(), /The sender is away/);
  await onlyTheRestIsSent(transfer, async () => {
    await sender.join({ key: KEY, name: 'Ada', broker: proxy.broker });
    await sent.root.waitFor();
    assert.equal(await sent.byId('choose-again').count(), 0);
  });
});

scenario('a receiver whose page was closed goes on in another one', async (stage) => {
  const { proxy, file, receiver, received } = await inTheMiddle(stage, HELD);
  const context = receiver.page.context();
  const page = await context.newPage();
  await receiver.page.close();
  await new Room(page).visit(stage.station.origin, { key: KEY, name: 'Bo', auto: true });
  proxy.limit = Infinity;
  // Who accepts everything need not be asked again.
  const again = new Transfer(page, received.parcel);
  await again.waitForState('done');
  await assertSaved(again, [file]);
});

scenario('leaving the page asks first while something moves, and only then', async (stage) => {
  const { proxy, sender, sent, receiver, received } = await inTheMiddle(stage);
  // Slow enough to look at both.
  proxy.limit = MIB;
  for (const { page } of [sender, receiver]) {
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.dismiss();
  }
  proxy.limit = Infinity;
  await Promise.all([sent.waitForState('done'), received.waitForState('done')]);
  for (const { page } of [sender, receiver]) {
    const closed = page.waitForEvent('close');
    await page.close({ runBeforeUnload: true });
    await closed;
  }
});

for (const how of /** @type {const} */ (['accept', 'auto-accept'])) {
  scenario(`storage that the browser does not clear is asked for with ${how}`, async (stage) => {
    const [sender, receiver] = await stage.pair();
    await receiver.page.evaluate(() => {
      Object.assign(window, { asked: 0 });
      // @ts-expect-error put there above
      StorageManager.prototype.persist = async () => (window.asked += 1) > 0;
    });
    // @ts-expect-error put there above
    const asked = () => receiver.page.evaluate(() => window.asked);
    const file = await stage.file('kept.bin', MIB);
    if (how === 'auto-accept') await receiver.byId(how).check();
    const sent = await sender.sendFiles([file.path]);
    const received = await receiver.incoming(sent);
    if (how === 'accept') {
      assert.equal(await asked(), 0, 'nothing is asked of the user before');
      await received.press('accept');
    }
    await received.waitForState('done');
    assert.equal(await asked(), 1);
  });
}

scenario('what is not wanted after a reload is discarded', async (stage) => {
  const { sent, receiver, received } = await inTheMiddle(stage, HELD);
  await receiver.reload();
  await received.waitForState('paused');
  assert.equal(await received.byId('cancel').innerText(), 'Discard');
  await received.press('cancel');
  await received.waitForState('cancelled');
  await sent.waitForReceiver('Bo', 'cancelled');
  const room = await receiver.reload();
  await room.waitForPeer('Ada');
  // The offer still stands, and nothing of it is kept.
  await received.root.waitFor();
  assert.deepEqual(await received.progress(), { bytes: 0, total: SIZE, state: 'offered' });
});

scenario('what was received is there after a reload until it is removed', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const file = await stage.file('kept.bin', 3 * MIB + 1);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await sent.waitForState('done');
  await receiver.reload();
  await received.waitForState('done');
  await assertSaved(received, [file]);
  await received.press('remove');
  await received.root.waitFor({ state: 'detached' });
});

scenario('what was received can still be saved after leaving the room and coming back', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const file = await stage.file('stays.bin', 3 * MIB);
  const sent = await sender.sendFiles([file.path]);
  const received = await receiver.incoming(sent);
  await received.press('accept');
  await received.waitForState('done');
  await receiver.byId('leave').click();
  await receiver.byId('kept-notice').waitFor();
  assert.match(await receiver.byId('kept-notice').innerText(), /1 transfer of earlier rooms, 3.1 MB/);
  await receiver.join({ key: KEY, name: 'Bo' });
  await received.waitForState('done');
  assert.equal(await receiver.byId('kept-notice').count(), 0);
  await assertSaved(received, [file]);
});

scenario('what another room left is named and can be discarded', async (stage) => {
  const { receiver, received } = await inTheMiddle(stage, HELD);
  const room = await receiver.reload();
  await room.byId('leave').click();
  await room.join({ key: 'quite-another-room', name: 'Bo' });
  await room.waitForStatus('online');
  await room.byId('kept-notice').waitFor();
  assert.match(await room.byId('kept-notice').innerText(), /1 transfer of other rooms, 25 MB/);
  receiver.page.once('dialog', (dialog) => void dialog.dismiss());
  await room.byId('discard-kept').click();
  await room.byId('kept-notice').waitFor();
  receiver.page.once('dialog', (dialog) => void dialog.accept());
  await room.byId('discard-kept').click();
  await room.byId('kept-notice').waitFor({ state: 'detached' });
  await room.byId('leave').click();
  await room.join({ key: KEY, name: 'Bo' });
  await received.root.waitFor();
  assert.equal((await received.progress()).state, 'offered');
});

for (const both of [false, true]) {
  scenario(`a sender whose page is reloaded goes on with the same file${both ? ', the receiver reloaded as well' : ''}`, async (stage) => {
    const transfer = await inTheMiddle(stage, HELD);
    const { proxy, file, sender, sent, receiver, received } = transfer;
    await sender.reload();
    if (both) await receiver.reload();
    await received.waitForState(both ? 'paused' : 'waiting');
    await sent.waitForState('waiting');
    assert.match(await sent.describe(), /needs the same files again/);
    await onlyTheRestIsSent(transfer, async () => {
      await sent.byId('choose-again').setInputFiles(file.path);
      if (!both) return;
      await sent.waitForReceiver('Bo', 'paused');
      await received.press('resume');
    });
    assert.equal(await sent.byId('receiver').count(), 1);
  });
}

scenario('another file is not taken for the one that was being sent', async (stage) => {
  const { proxy, sender, sent, received } = await inTheMiddle(stage, HELD);
  const room = await sender.reload();
  const other = { name: 'long.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1000) };
  await sent.byId('choose-again').setInputFiles(other);
  await room.byId('error').waitFor();
  assert.match(await room.byId('error').innerText(), /long\.bin.* is not the file it was/);
  await room.waitForPeer('Bo');
  await sent.press('cancel');
  await sent.waitForState('cancelled');
  await received.waitForState('cancelled');
  await sender.reload();
  await room.waitForPeer('Bo');
  assert.equal(await sent.root.count(), 0, 'it is not asked for again');
});

scenario('a file that only looks like the one that was being sent is found out before anything of it is sent', async (stage) => {
  const { proxy, file, sender, sent, received } = await inTheMiddle(stage, HELD);
  const room = await sender.reload();
  await received.waitForState('waiting');
  const { bytes } = await received.progress();
  const { mtimeMs } = await stat(file.path);
  const flipOneBit = async () => {
    const content = await open(file.path, 'r+');
    const byte = Buffer.alloc(1);
    await content.read(byte, 0, 1, 3 * MIB);
    await content.write(Buffer.of(byte[0] ^ 1), 0, 1, 3 * MIB);
    await content.close();
    // Browsers tell whole milliseconds.
    const seconds = (Math.floor(mtimeMs) + 0.5) / 1000;
    await utimes(file.path, seconds, seconds);
  };
  await flipOneBit();
  const before = proxy.up;
  await sent.byId('choose-again').setInputFiles(file.path);
  await room.byId('error').waitFor();
  assert.match(await room.byId('error').innerText(), /long\.bin.* is not the file it was: its content is another/);
  await sent.byId('choose-again').waitFor();
  assert.ok(proxy.up - before < MIB, `${proxy.up - before} bytes were sent`);
  assert.equal((await received.progress()).bytes, bytes);

  await flipOneBit();
  proxy.limit = Infinity;
  await sent.byId('choose-again').setInputFiles(file.path);
  await received.waitForState('done');
  await assertSaved(received, [file]);
});
