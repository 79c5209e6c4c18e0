// Made keys, their strength and QR codes: a part of the app that is loaded when it is wanted.

import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';

const ADDRESS = /\/extras(_bg)?\.(js|wasm)/;

scenario('a typed key is judged', async (stage) => {
  const room = await stage.open('Ada');
  const steps = [
    { key: 'test', level: 'weak', words: /^Weak/ },
    { key: 'seven blue whales sing', level: 'fair', words: /^Fair/ },
    { key: 'x7#kQ2!vR9$mB4&z', level: 'strong', words: /^Strong/ },
    { key: '', level: 'none', words: /^Whoever knows or guesses the key/ },
  ];
  for (const { key, level, words } of steps) {
    await room.byId('key-input').fill(key);
    const strength = room.page.locator(`[data-testid=key-strength][data-level=${level}]`);
    await strength.waitFor();
    assert.match((await strength.innerText()).trim(), words);
  }
});

scenario('a click makes a key at once, as early as it comes', async (stage) => {
  const room = await stage.open('Ada');
  for (let visit = 0; visit < 5; visit += 1) {
    await room.page.reload({ waitUntil: 'commit' });
    await room.byId('key-generate').click();
    assert.equal((await room.byId('key-input').inputValue()).split('-').length, 6);
  }
});

scenario('a key that cannot be made now can be made later', async (stage) => {
  const room = await stage.open('Ada');
  stage.expectNoise(ADDRESS);
  await room.page.route(ADDRESS, (route) => route.abort());
  await room.page.reload();
  await room.byId('key-generate').click();
  await room.byId('error').filter({ hasText: 'did not load' }).waitFor();
  // What is typed is good all the same; only nobody says how good.
  await room.byId('key-input').fill('x7#kQ2!vR9$mB4&z');
  assert.equal(await room.byId('key-strength').getAttribute('data-level'), 'none');
  // Going to the field tried again; a click joins a try that goes on.
  await room.page.evaluate(() => Object(globalThis).loadExtras().catch(() => {}));

  await room.page.unroute(ADDRESS);
  await room.byId('key-generate').click();
  await room.page.locator('[data-testid=key-strength][data-level=strong]').waitFor();
  await room.byId('error').waitFor({ state: 'detached' });
  assert.equal((await room.byId('key-input').inputValue()).split('-').length, 6);
});

scenario('a key that is typed while one is being made stays', async (stage) => {
  const room = await stage.open('Ada');
  let letGo = () => {};
  const held = new Promise((resolve) => (letGo = () => resolve(undefined)));
  stage.expectNoise(ADDRESS);
  await room.page.route(ADDRESS, (route) => route.abort());
  await room.page.reload();
  const generate = room.byId('key-generate');
  await generate.click();
  await room.byId('error').waitFor();
  await room.page.route(ADDRESS, async (route) => {
    await held;
    await route.continue();
  });
  await generate.click();
  await room.page.locator('[data-testid=key-generate][aria-busy=true]').waitFor();
  await room.byId('key-input').fill('typed meanwhile');
  letGo();
  await room.page.locator('[data-testid=key-generate]:not([aria-busy])').waitFor();
  assert.equal(await room.byId('key-input').inputValue(), 'typed meanwhile');
  await generate.click();
  await room.page.locator('[data-testid=key-strength][data-level=strong]').waitFor();
});

scenario('a QR code that does not load leaves the link', async (stage) => {
  const room = await stage.open('Ada', { key: 'a-room-by-its-link' });
  stage.expectNoise(ADDRESS);
  await room.page.route(ADDRESS, (route) => route.abort());
  await room.page.reload();
  await room.join({ name: 'Ada' });
  await room.waitForStatus('online');
  await room.byId('share').click();
  await room.page.getByText('The QR code did not load.').waitFor();
  assert.match(await room.byId('share-link').inputValue(), /#key=a-room-by-its-link&by=[a-z2-7]{52}$/);

  await room.page.unroute(ADDRESS);
  await room.byId('share').click();
  await room.byId('share-link').waitFor({ state: 'detached' });
  await room.byId('share').click();
  await room.byId('share-qr').waitFor();
});
