// Makes docs/screenshot.png: two devices side by side in the middle of a transfer.

import { mkdir, writeFile } from 'node:fs/promises';
import { launchBrowser } from '../lib/browser.mjs';
import { proxyTo } from '../lib/proxy.mjs';
import { makeFile, MIB, tempFolder } from '../lib/files.mjs';
import { linkTo, Room } from '../lib/room.mjs';
import { startStation } from '../lib/station.mjs';

const PICTURE = new URL('../../docs/screenshot.png', import.meta.url);
/** One device's window; two of them make the picture. */
const VIEWPORT = { width: 560, height: 830 };
const DEVICES = /** @type {const} */ ([
  { name: 'Laptop', colorScheme: 'light' },
  { name: 'Phone', colorScheme: 'dark' },
]);

const [browser, station, folder] = await Promise.all([launchBrowser(), startStation(), tempFolder()]);
const proxy = await proxyTo(station.broker);
try {
  const rooms = [];
  for (const { name, colorScheme } of DEVICES) {
    const context = await browser.newContext({ viewport: VIEWPORT, colorScheme, deviceScaleFactor: 1.5 });
    const room = new Room(await context.newPage());
    await room.page.goto(linkTo(station.origin, { key: 'amber-violin-harbor-meadow-pilot-ocean', name, broker: proxy.broker }));
    await room.byId('join').click();
    await room.waitForStatus('online');
    rooms.push(room);
  }
  const [laptop, phone] = /** @type {[Room, Room]} */ (rooms);
  await laptop.waitForPeer('Phone');

  const note = await laptop.sendText('The photos from Saturday are on their way.');
  await (await phone.incoming(note)).waitForState('done');
  const photos = await makeFile(folder.path, 'saturday-photos.zip', 48 * MIB);
  proxy.limit = 6 * MIB;
  const sent = await laptop.sendFiles([photos.path]);
  const received = await phone.incoming(sent);
  await received.press('accept');
  await received.waitForMiddle(24 * MIB);

  const shots = await Promise.all(rooms.map(({ page }) => page.screenshot()));
  await mkdir(new URL('.', PICTURE), { recursive: true });
  await writeFile(PICTURE, await sideBySide(shots));
  console.log(`Wrote ${PICTURE.pathname}`);
} finally {
  await browser.close();
  await proxy.close();
  await station.stop();
  await folder.remove();
}

/**
 * The pictures next to each other, drawn by the browser.
 * @param {Buffer[]} pictures
 */
async function sideBySide(pictures) {
  const page = await browser.newPage({ viewport: { width: 1240, height: VIEWPORT.height + 80 }, deviceScaleFactor: 1.5 });
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}" alt="">`);
  await page.setContent(`<style>
    body { margin: 0; padding: 40px; display: flex; gap: 40px; background: #8893a8; }
    img { width: ${VIEWPORT.width}px; border-radius: 14px; box-shadow: 0 10px 30px #0006; }
  </style>${images.join('')}`);
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  return page.screenshot();
}
