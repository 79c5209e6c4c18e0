// Files dropped on the page and pasted into it are sent; a pasted text can be looked at first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { SOCKET_FAILED } from '../lib/browser.mjs';
import { content, KIB } from '../lib/files.mjs';
import { freePort } from '../lib/processes.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

/** Contents of different lengths, one longer than a block. */
const FILES = [
  { name: 'dropped one.png', type: 'image/png', size: 40 * KIB + 3 },
  { name: 'второй.txt', type: 'text/plain', size: 1 },
].map((file) => ({ ...file, bytes: Buffer.concat([...content(file.name, file.size)]) }));

for (const kind of /** @type {const} */ (['drop', 'paste'])) {
  scenario(`files from a ${kind} arrive`, async (stage) => {
    const [sender, receiver] = await stage.pair();
    const sent = await sender.newTransfer(async () => {
      assert.equal(await handFiles(sender.page, kind), false, 'the browser is kept from opening them itself');
    });
    const received = await receiver.incoming(sent);
    await received.press('accept');
    await received.waitForState('done');
    assert.deepEqual(
      (await received.files()).map(({ path, size }) => ({ path, size })),
      FILES.map(({ name, size }) => ({ path: name, size })),
    );
    assert.deepEqual(
      await received.save(FILES.length),
      FILES.map(({ name, size, bytes }) => ({ name, size, sha256: createHash('sha256').update(bytes).digest('hex') })),
    );
  });
}

scenario('while files are dragged over a room it says where they go', async (stage) => {
  const room = await stage.join('Ada');
  await drag(room.page, 'dragenter');
  await room.page.getByText('Drop to send').waitFor();
  await drag(room.page, 'dragleave');
  await room.page.getByText('Drop to send').waitFor({ state: 'detached' });
});

scenario('files dropped or pasted before joining wait, and are sent in the room when their user says so', async (stage) => {
  stage.expectNoise(SOCKET_FAILED);
  const sender = await stage.open('Ada');
  const receiver = await stage.join('Bo');
  // A user on the way to a room has not joined it yet, and may never get there.
  await sender.join({ key: KEY, name: 'Ada', broker: `ws://127.0.0.1:${await freePort()}/mqtt` });
  await sender.waitForStatus('error');
  for (const kind of /** @type {const} */ (['drop', 'paste'])) {
    assert.equal(await handFiles(sender.page, kind), false);
    await sender.byId('ready').filter({ hasText: /join a room/ }).waitFor();
    if (kind === 'drop') await sender.byId('ready-discard').click();
  }
  await sender.byId('ready').filter({ hasText: '2 files' }).waitFor();
  await sender.join({ key: KEY, name: 'Ada', broker: stage.station.broker });
  await sender.waitForPeer('Bo');
  assert.deepEqual(await sender.parcels('out'), [], 'joining alone sends nothing');
  const sent = await sender.newTransfer(() => sender.byId('ready-send').click());
  await sender.byId('ready').waitFor({ state: 'detached' });
  await receiver.incoming(sent);
});

scenario('what an office program copies goes into the text field, and no picture of it is sent', async (stage) => {
  const room = await stage.join('Ada');
  const cells = '1\t2\n3\t4';
  assert.equal(await handFiles(room.page, 'paste', { 'text/plain': cells, 'text/html': '<table></table>' }), false);
  assert.equal(await room.byId('send-text').inputValue(), cells);
  assert.equal(await room.byId('ready').count(), 0);
  // A picture of a web page: there is no text of it, and it was not chosen as a file.
  assert.equal(await handFiles(room.page, 'paste', { 'text/html': '<img>' }), false);
  await room.byId('ready').filter({ hasText: 'not sent yet' }).waitFor();
  await room.byId('ready-discard').click();
  await room.byId('ready').waitFor({ state: 'detached' });
  assert.deepEqual(await room.parcels('out'), [], 'nothing was sent');
  // Some systems put the names beside files.
  await room.newTransfer(() => handFiles(room.page, 'paste', { 'text/plain': FILES.map(({ name }) => name).join('\n') }));
});

scenario('a text above 1 MiB is sent as a file', async (stage) => {
  const room = await stage.join('Ada');
  const text = 'ü'.repeat(600_000);
  await room.byId('send-text').fill(text);
  const sent = await room.newTransfer(() => room.byId('send-text-submit').click());
  assert.equal(await sent.byId('transfer-title').innerText(), 'Text.txt');
  assert.equal(await sent.root.getAttribute('data-total'), '1200000');
  assert.equal(await room.byId('send-text').inputValue(), '');
  assert.equal(await room.byId('error').count(), 0);
});

scenario('a text pasted beside the text field is put there, and arrives when sent', async (stage) => {
  const [sender, receiver] = await stage.pair();
  const text = 'https://example.com/?q=1&r=ü\n第二行 <i>';
  await sender.page.evaluate((pasted) => {
    const data = new DataTransfer();
    data.setData('text/plain', pasted);
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
  assert.equal(await sender.byId('send-text').inputValue(), text);
  assert.deepEqual(await sender.parcels('out'), [], 'nothing is sent before it was looked at');
  const sent = await sender.newTransfer(() => sender.byId('send-text-submit').click());
  const received = await receiver.incoming(sent);
  await received.waitForState('done');
  assert.equal(await received.byId('transfer-text').textContent(), text);
});

scenario('a text pasted into a field goes there only', async (stage) => {
  const room = await stage.join('Ada', { key: KEY });
  await room.byId('send-text').fill('copied once');
  await room.byId('send-text').press('Control+A');
  await room.byId('send-text').press('Control+C');
  await room.byId('send-text').press('End');
  await room.byId('send-text').press('Control+V');
  assert.equal(await room.byId('send-text').inputValue(), 'copied oncecopied once');
});

/**
 * Drops or pastes the files.
 * @param {import('playwright-core').Page} page
 * @param {'drop' | 'paste'} kind
 * @param {Record<string, string>} [beside] texts by type
 * @returns {Promise<boolean>} whether the browser would go on with what it does by itself
 */
function handFiles(page, kind, beside = {}) {
  const plain = FILES.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString('base64') }));
  return page.evaluate(
    ([files, name, beside]) => {
      const data = new DataTransfer();
      for (const [type, text] of Object.entries(beside)) data.setData(type, text);
      for (const file of files) {
        const bytes = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], file.name, { type: file.type }));
      }
      const how = { bubbles: true, cancelable: true };
      const event =
        name === 'drop'
          ? new DragEvent('drop', { ...how, dataTransfer: data })
          : new ClipboardEvent('paste', { ...how, clipboardData: data });
      return document.body.dispatchEvent(event);
    },
    /** @type {const} */ ([plain, kind, beside]),
  );
}

/**
 * Drags a file over the page, or away from it.
 * @param {import('playwright-core').Page} page
 * @param {'dragenter' | 'dragleave'} kind
 */
async function drag(page, kind) {
  await page.evaluate((name) => {
    const data = new DataTransfer();
    data.items.add(new File(['x'], 'dragged.txt'));
    document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: data }));
  }, kind);
}
