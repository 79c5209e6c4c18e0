// Persons: the same one after a reload, known when they are away, and sent to alone.

import assert from 'node:assert/strict';
import { KIB } from '../lib/files.mjs';
import { PATIENCE } from '../lib/room.mjs';
import { scenario } from '../lib/scenario.mjs';

/** Sooner than a broker says that a connection ended. */
const SOON = 5_000;

scenario('a reload is the same person, and nobody sees a double', async (stage) => {
  const [ada, bo] = await stage.pair();
  const person = await ada.person('Bo').getAttribute('data-person');
  await bo.reload();
  await bo.waitForPeer('Ada');
  assert.equal(await ada.byId('person').count(), 1, 'one person');
  assert.equal(await ada.person('Bo').getAttribute('data-person'), person);
  assert.equal(await ada.byId('peer').count(), 1, 'on one device');
  await ada.waitForPersonState('Bo', 'here');
});

scenario('who left is still known, also to those who come later and after a reload', async (stage) => {
  const [ada, bo] = await stage.pair();
  await bo.byId('leave').click();
  await ada.byId('people-away').waitFor({ timeout: SOON });
  await ada.byId('people-away').click();
  await ada.waitForPersonState('Bo', 'away');
  await ada.reload();
  await ada.byId('people-away').click();
  await ada.waitForPersonState('Bo', 'away');
  const cleo = await stage.join('Cleo');
  await cleo.byId('people-away').click();
  await cleo.waitForPersonState('Bo', 'away');
});

scenario('a text and a file for one person reach nobody else', async (stage) => {
  const [ada, bo] = await stage.pair();
  const cleo = await stage.join('Cleo');
  await Promise.all([cleo.waitForPeer('Ada'), ada.waitForPeer('Cleo')]);
  await ada.sendTo('Bo');
  const file = await stage.file('for Bo.bin', 200 * KIB);
  const sent = await ada.sendFiles([file.path]);
  const received = await bo.incoming(sent);
  await received.press('accept');
  await Promise.all([sent.waitForState('done'), received.waitForState('done')]);
  const text = await ada.sendText('only for Bo');
  const read = await bo.incoming(text);
  assert.equal(await read.byId('transfer-text').textContent(), 'only for Bo');
  const whom = await ada.person('Bo').getAttribute('data-person');
  for (const transfer of [sent, received, text, read]) {
    assert.equal(await transfer.root.getAttribute('data-to'), whom);
  }
  // What comes after that for all shows that everything before it has come.
  await ada.byId('audience-room').click();
  const all = await ada.sendText('for everyone');
  await cleo.incoming(all);
  assert.equal(await cleo.byId('transfer').count(), 1);
});

scenario('a file for somebody who is away waits for that person alone', async (stage) => {
  const [ada, bo] = await stage.pair();
  await ada.chooseAudience('Bo');
  const whom = await ada.person('Bo').getAttribute('data-person');
  await bo.byId('leave').click();
  await ada.byId('people-away').waitFor({ timeout: SOON });
  await ada.byId('audience-choice').locator('option').filter({ hasText: 'Bo (away)' }).waitFor({ state: 'attached' });
  assert.equal(await ada.byId('audience-choice').inputValue(), whom, 'what the page says is what it does');
  const file = await stage.file('later.bin', 64 * KIB);
  const sent = await ada.sendFiles([file.path]);
  await sent.waitForState('waiting');
  const cleo = await stage.join('Cleo');
  await cleo.waitForPeer('Ada');
  await bo.byId('join').click();
  await bo.waitForStatus('online');
  const received = await bo.incoming(sent);
  await received.press('accept');
  await sent.waitForState('done');
  assert.equal(await cleo.byId('transfer').count(), 0);
});

scenario('another person of a known name is said to be another', async (stage) => {
  const [ada, bo] = await stage.pair();
  await bo.byId('leave').click();
  await ada.byId('people-away').waitFor({ timeout: SOON });
  // Another browser profile.
  await stage.join('another Bo', { name: 'Bo' });
  await ada.page.getByText('Another Bo').first().waitFor({ timeout: PATIENCE });
});

scenario('who is muted stays so after both were loaded anew', async (stage) => {
  const [ada, bo] = await stage.pair();
  await ada.mute('Bo');
  await Promise.all([ada.reload(), bo.reload()]);
  await ada.person('Bo').locator('[data-testid="mute"][aria-pressed="true"]').waitFor({ timeout: PATIENCE });
  const cleo = await stage.join('Cleo');
  await Promise.all([cleo.waitForPeer('Ada'), ada.waitForPeer('Cleo'), bo.waitForPeer('Ada')]);
  await bo.sendText('not heard');
  // What is sent after that shows that everything before it has come.
  await ada.incoming(await cleo.sendText('heard'));
  assert.equal(await ada.byId('transfer').count(), 1);
  assert.equal(await ada.person('Bo').getByTestId('send-to').count(), 0, 'nobody sends to somebody who is muted');
});

scenario('a text is for those who are here, and a file also for those who come later', async (stage) => {
  const [ada, bo] = await stage.pair();
  await ada.byId('audience-note').filter({ hasText: 'Texts go to those here now' }).waitFor();
  await bo.incoming(await ada.sendText('for now'));
  const file = await stage.file('later.bin', 64 * KIB);
  const sent = await ada.sendFiles([file.path]);
  await bo.incoming(sent);
  await ada.byId('audience-choice').selectOption('now');
  const short = await stage.file('now.bin', 64 * KIB);
  await bo.incoming(await ada.sendFiles([short.path]));
  await ada.byId('audience-choice').selectOption('later');
  const kept = await ada.sendText('for ever');
  const cleo = await stage.join('Cleo');
  await Promise.all([cleo.incoming(sent), cleo.incoming(kept)]);
  // What comes after that shows that everything before it has come.
  await cleo.incoming(await bo.sendText('hello'));
  assert.equal(await cleo.byId('transfer').count(), 3);
});

scenario('files that are dropped on a person are for that person alone', async (stage) => {
  const [ada, bo] = await stage.pair();
  const cleo = await stage.join('Cleo');
  await Promise.all([cleo.waitForPeer('Ada'), ada.waitForPeer('Cleo')]);
  const onto = ada.person('Bo').getByTestId('compare');
  await onto.dispatchEvent('dragover', { dataTransfer: await withFile(ada) });
  await ada.page.getByText('Drop to send to Bo alone').waitFor();
  const sent = await ada.newTransfer(async () => {
    await onto.dispatchEvent('drop', { dataTransfer: await withFile(ada) });
  });
  await bo.incoming(sent);
  await ada.byId('audience').and(ada.page.locator('[data-to="room"]')).waitFor();
  await cleo.incoming(await ada.sendText('for everyone'));
  assert.equal(await cleo.byId('transfer').count(), 1);
});

/**
 * What is dragged when a file is.
 * @param {import('../lib/room.mjs').Room} room
 */
function withFile(room) {
  return room.page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
    return data;
  });
}
