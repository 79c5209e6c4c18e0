// Both screens on phones and desktops, light and dark: nothing overflows; pictures are left in results/.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { KIB } from '../lib/files.mjs';
import { KEY, RESULTS, scenario } from '../lib/scenario.mjs';

const SCREENS = [
  { device: 'phone', viewport: { width: 360, height: 740 } },
  { device: 'desktop', viewport: { width: 1280, height: 800 } },
];

for (const { device, viewport } of SCREENS) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    scenario(`both screens fit a ${device} (${colorScheme})`, async (stage) => {
      await mkdir(RESULTS, { recursive: true });
      const how = { options: { viewport, colorScheme } };
      const ada = await stage.open('Ada', {}, how);
      await picture(ada.page, `${device}-${colorScheme}-join`);

      await ada.join({ key: KEY, name: 'Ada' });
      await ada.waitForStatus('online');
      const bo = await stage.join('Bo with a rather long name for a phone', {}, how);
      await ada.byId('peer').waitFor();
      const long = 'a-name-without-any-place-to-break-it-that-is-much-longer-than-a-phone-is-wide.tar.gz';
      const file = await stage.file(long, 64 * KIB);
      const sent = await ada.sendFiles([file.path]);
      const received = await bo.incoming(sent);
      await picture(bo.page, `${device}-${colorScheme}-offer`);
      await received.press('accept');
      await Promise.all([received.waitForState('done'), sent.waitForState('done')]);
      await picture(bo.page, `${device}-${colorScheme}-received`);
      await picture(ada.page, `${device}-${colorScheme}-sent`);
    });
  }
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function picture(page, name) {
  await page.screenshot({ path: `${RESULTS}${name}.png`, fullPage: true });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
}
