// What is compared: each sends so many bytes from one browser to another and says how long it took.

import { strict as assert } from 'node:assert';
import { KIB, makeFile } from '../lib/files.mjs';
import { linkTo, Room } from '../lib/room.mjs';

/**
 * Where a round takes place.
 * @typedef {object} Course
 * @property {import('playwright-core').BrowserContext} sender
 * @property {import('playwright-core').BrowserContext} receiver
 * @property {import('../lib/station.mjs').Station} station
 * @property {string} pages where the hand-written contenders' pages are served
 * @property {string} folder for files
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(course: Course, bytes: number) => Promise<number>} run takes a round; returns bytes a second
 */

/** @type {Contender[]} */
export const CONTENDERS = [
  { name: 'raw MQTT, QoS 0, 256 KiB, no acknowledgement, no crypto', run: page('raw.mjs', 256 * KIB) },
  { name: 'MQTT.js 5, QoS 1, 64 KiB, 4 in flight, no crypto', run: page('mqttjs.mjs', 64 * KIB) },
  { name: 'mqdrop, encrypted, verified and stored', run: mqdrop },
];

/**
 * A contender that is a module with `send` and `receive`.
 * @param {string} module
 * @param {number} payload in bytes
 * @returns {Contender['run']}
 */
function page(module, payload) {
  return async ({ sender, receiver, station, pages }, total) => {
    const options = { module: `./${module}`, broker: station.broker, topic: `bench/${Date.now()}`, total, payload };
    const [from, to] = await Promise.all([sender.newPage(), receiver.newPage()]);
    try {
      for (const each of [from, to]) {
        await each.goto(`${pages}/bench/pages/blank.html`);
        if (module === 'mqttjs.mjs') await each.addScriptTag({ url: `${pages}/node_modules/mqtt/dist/mqtt.min.js` });
      }
      // Kept in the page: a promise inside an object does not cross over.
      await to.evaluate(async (each) => {
        const { receive } = await import(each.module);
        Object.assign(window, await receive(each));
      }, options);
      const began = await from.evaluate(async (each) => (await import(each.module)).send(each), options);
      // @ts-expect-error put there above
      const { bytes, at } = await to.evaluate(() => window.done);
      assert.equal(bytes, total, `${module} lost ${total - bytes} bytes`);
      return total / ((at - began) / 1000);
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
  };
}

/** @type {Contender['run']} */
async function mqdrop({ sender, receiver, station, folder }, total) {
  const file = await makeFile(folder, `bench-${total}.bin`, total);
  const [from, to] = await Promise.all([joined(sender, station, 'Ada'), joined(receiver, station, 'Bo')]);
  try {
    await from.waitForPeer('Bo');
    const sent = await from.sendFiles([file.path]);
    const received = await to.incoming(sent);
    const seconds = await received.root.evaluate(
      (shown) =>
        new Promise((resolve, reject) => {
          const began = performance.now();
          new MutationObserver((_changes, observer) => {
            const state = shown.getAttribute('data-state') ?? '';
            if (state === 'done') resolve((performance.now() - began) / 1000);
            else if (['failed', 'cancelled', 'declined'].includes(state)) reject(new Error(`the transfer ${state}`));
            else return;
            observer.disconnect();
          }).observe(shown, { attributes: true, attributeFilter: ['data-state'] });
          /** @type {HTMLElement} */ (shown.querySelector('[data-testid="accept"]')).click();
        }),
    );
    await sent.waitForState('done');
    await received.press('remove');
    return total / /** @type {number} */ (seconds);
  } finally {
    await Promise.all([from.page.close(), to.page.close()]);
  }
}

/**
 * Opens the app and joins.
 * @param {import('playwright-core').BrowserContext} context
 * @param {import('../lib/station.mjs').Station} station
 * @param {string} name
 */
export async function joined(context, station, name) {
  const room = new Room(await context.newPage());
  await room.page.goto(linkTo(station.origin, { key: 'benchmark-of-this-machine', name }));
  await room.byId('join').click();
  await room.waitForStatus('online');
  return room;
}
