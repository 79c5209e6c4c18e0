// What axe-core finds serious, in light and dark, on both screens.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { KIB } from '../lib/files.mjs';
import { KEY, scenario } from '../lib/scenario.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  scenario(`nothing keeps people from using the app (${colorScheme})`, async (stage) => {
    const how = { options: { colorScheme } };
    const ada = await stage.open('Ada', {}, how);
    await assertUsable(ada.page, 'the join form');

    await ada.join({ key: KEY, name: 'Ada' });
    await ada.waitForStatus('online');
    await assertUsable(ada.page, 'an empty room');

    const bo = await stage.join('Bo', {}, how);
    await ada.waitForPeer('Bo');
    const file = await stage.file('report.pdf', 64 * KIB);
    const sent = await ada.sendFiles([file.path]);
    const received = await bo.incoming(sent);
    await assertUsable(bo.page, 'an offer');
    await received.press('accept');
    await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
    await assertUsable(bo.page, 'a received file');
    await assertUsable(ada.page, 'a sent file');
    await ada.byId('share').click();
    await ada.byId('share-link').waitFor();
    await assertUsable(ada.page, 'the invite');
  });
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} screen
 */
async function assertUsable(page, screen) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    // @ts-expect-error axe is what was just evaluated.
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter((/** @type {{ impact: string }} */ { impact }) => impact === 'serious' || impact === 'critical')
      .map((/** @type {{ id: string, help: string, nodes: { html: string }[] }} */ { id, help, nodes }) =>
        `${id}: ${help} — ${nodes.map(({ html }) => html).join(' ')}`);
  });
  assert.deepEqual(found, [], screen);
}
