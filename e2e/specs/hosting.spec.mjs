// The built site works from any static host.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { arrives } from '../lib/contents.mjs';
import { measureFirstLoad } from '../lib/first-load.mjs';
import { MIB } from '../lib/files.mjs';
import { startPathProxy } from '../lib/path-proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import { startStaticHost } from '../lib/static-host.mjs';

const site = process.env.MQDROP_SITE ?? fileURLToPath(new URL('../../dist', import.meta.url));

/** What a phone loads before it is in a room, compressed; in bytes. To be lowered, not raised: it was 333,000. */
const BUDGET = 437_500;

scenario('under a sub-path of a static host, with a broker elsewhere', async (stage) => {
  const { origin } = await stage.use(startStaticHost(site, '/tools/drop'));
  const file = await stage.file('hosted.bin', MIB);
  await arrives(stage, { broker: stage.station.broker }, [file], { origin });
});

scenario('a station behind a path of another server: its page finds its own broker there, and files arrive', async (stage) => {
  const { origin, upgrades } = await stage.use(startPathProxy(stage.station, '/drop'));
  const file = await stage.file('behind.bin', MIB);
  await arrives(stage, {}, [file], { origin });
  assert.deepEqual([...new Set(upgrades)], ['/mqtt'], 'both came through that server');
});

scenario('shown inside another page it does not start, whatever the host sends', async (stage) => {
  const { origin } = await stage.use(startStaticHost(site));
  stage.expectNoise(/does not run inside another page/, /favicon/);
  const room = await stage.open('Ada');
  // A document that forbids no frames.
  await room.page.goto(`${origin}/icon.svg`);
  const attached = room.page.waitForEvent('frameattached');
  await room.page.evaluate((source) => {
    const frame = document.createElementNS('http://www.w3.org/1999/xhtml', 'iframe');
    document.documentElement.append(Object.assign(frame, { src: source }));
  }, `${origin}/`);
  const framed = await attached;
  await framed.getByText('does not run inside another page').waitFor({ state: 'attached' });
  assert.equal(await framed.getByTestId('join').count(), 0);
});

test('the site does not name the folders of who built it', async () => {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const parts = await Promise.all(names.map((name) => readFile(name, 'latin1')));
  assert.ok(parts.some((part) => part.includes('/src/lib.rs')), 'what was built has names of files in it');
  const { CARGO_HOME, RUSTUP_HOME } = process.env;
  const project = fileURLToPath(new URL('../..', import.meta.url));
  for (const folder of [`${homedir()}/`, CARGO_HOME, RUSTUP_HOME, project].filter((each) => each !== undefined)) {
    assert.deepEqual(names.filter((_, place) => parts[place]?.includes(folder)), [], `${folder} is in none`);
  }
});

scenario('what is loaded first stays within its budget', async (stage) => {
  const { brotli, files } = await measureFirstLoad(stage.browser, stage.station);
  const names = files.map(({ name }) => name);
  for (const part of [/app-\w+_bg\.wasm$/, /worker-loader\.js$/, /\.css$/]) {
    assert.ok(names.some((name) => part.test(name)), `${part} is among ${names}`);
  }
  assert.deepEqual(names.filter((name) => name.includes('extras')), [], 'what only the form and the invite need is not among them');
  assert.deepEqual(names.filter((name) => name.includes('/lang/')), [], 'English is in the app');
  assert.ok(brotli <= BUDGET, `${brotli} bytes: ${files.map(({ name, brotli }) => `${name} ${brotli}`).join(', ')}`);
});
