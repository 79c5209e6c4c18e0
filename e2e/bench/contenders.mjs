// What is compared: each sends so many bytes from one browser to another and says how long it took.

import { strict as assert } from 'node:assert';
import { KIB, makeFile } from '../lib/files.mjs';
import { linkTo } from '../lib/room.mjs';

/**
 * Where a round takes place.
 * @typedef {object} Course
 * @property {import('./lean-browser.mjs').LeanBrowser} sender
 * @property {import('./lean-browser.mjs').LeanBrowser} receiver
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
    const blank = `${pages}/bench/pages/blank.html`;
    const [from, to] = await Promise.all([sender.open(blank), receiver.open(blank)]);
    try {
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
async function mqdrop(course, total) {
  const transfer = await offer(course, `bench-${total}.bin`, total);
  const seconds = await transfer.run();
  await transfer.end();
  return total / seconds;
}

/**
 * Opens two windows of the app in a room and offers a file from one to the other.
 * @param {Course} course
 * @param {string} name the file's
 * @param {number} size in bytes
 */
export async function offer({ sender, receiver, station, folder }, name, size) {
  const file = await makeFile(folder, name, size);
  const [from, to] = await Promise.all([joined(sender, station, 'Ada'), joined(receiver, station, 'Bo')]);
  await from.waitFor(byId('peer'));
  return {
    from,
    to,
    /** Sends and accepts; returns the seconds from the acceptance to the verified end. */
    async run() {
      await from.choose(byId('send-files'), [file.path]);
      await to.waitFor(byId('accept'));
      const seconds = await to.evaluate(
        ({ transfer, accept }) =>
          new Promise((resolve, reject) => {
            const card = document.querySelector(transfer);
            const button = document.querySelector(accept);
            if (!card || !(button instanceof HTMLElement)) return reject(new Error('nothing to accept'));
            const began = performance.now();
            const observer = new MutationObserver(() => {
              const state = card.getAttribute('data-state') ?? '';
              if (state === 'done') resolve((performance.now() - began) / 1000);
              else if (['failed', 'cancelled', 'declined'].includes(state)) reject(new Error(`the transfer ${state}`));
              else return;
              observer.disconnect();
            });
            observer.observe(card, { attributes: true, attributeFilter: ['data-state'] });
            button.click();
          }),
        { transfer: byId('transfer'), accept: byId('accept') },
      );
      await from.waitFor(`${byId('transfer')}[data-state="done"]`);
      return /** @type {number} */ (seconds);
    },
    /** Removes what was received and closes the windows. */
    async end() {
      await to.click(byId('remove'));
      await Promise.all([from.close(), to.close()]);
    },
  };
}

/**
 * Opens the app and joins.
 * @param {import('./lean-browser.mjs').LeanBrowser} browser
 * @param {import('../lib/station.mjs').Station} station
 * @param {string} name
 */
async function joined(browser, station, name) {
  const window = await browser.open(linkTo(station.origin, { key: 'benchmark-of-this-machine', name }));
  await window.click(byId('join'));
  await window.waitFor(`${byId('status')}[data-state="online"]`);
  return window;
}

/** @param {string} id */
function byId(id) {
  return `[data-testid="${id}"]`;
}
