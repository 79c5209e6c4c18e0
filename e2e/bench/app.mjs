// The app, as a person uses it: windows in a room, and a parcel that goes from one to the others.

import { strict as assert } from 'node:assert';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFile } from '../lib/files.mjs';
import { inTime } from '../lib/in-time.mjs';
import { linkTo } from '../lib/room.mjs';
import { countProcessorTime } from './processes.mjs';

/**
 * Where everything takes place.
 * @typedef {object} Course
 * @property {import('./lean-browser.mjs').LeanBrowser} sender
 * @property {import('./lean-browser.mjs').LeanBrowser} receiver
 * @property {import('../lib/station.mjs').Station} station
 * @property {string} pages where the hand-written contenders' pages are served
 * @property {string} folder for files
 */

/**
 * Which broker the windows use: the sender's, and one for each receiver; where none is named, the station.
 * And where the app is loaded from, if not from where the station says.
 * @typedef {{ from?: string, to?: (string | undefined)[], origin?: string }} Brokers
 */

/** @typedef {import('./lean-browser.mjs').LeanPage} LeanPage */

/** The room's key. */
export const KEY = 'benchmark-of-this-machine';

/** What a window shows that is in its room. */
export const ONLINE = `${byId('status')}[data-state="online"]`;

/** What is slower than this has failed: bytes a second. */
const SLOWEST = 2_000_000;
/** How long anything may take beyond that, in milliseconds. */
const PATIENCE = 60_000;

/** How long a window may take to tell what it shows, in milliseconds. */
const GLANCE = 5_000;

/**
 * Waits for bytes to arrive, but not for ever.
 * @template T
 * @param {Promise<T>} arrival
 * @param {number} bytes
 * @param {string} what for the error
 * @param {number} [slowest] bytes a second
 */
export function arrives(arrival, bytes, what, slowest = SLOWEST) {
  return inTime(arrival, PATIENCE + (bytes / slowest) * 1000, what);
}

/**
 * Sends one file to one receiver.
 * @param {Course} course
 * @param {number} size in bytes
 * @param {Brokers} [brokers]
 * @returns {Promise<number>} bytes a second
 */
export async function rateOf(course, size, brokers) {
  const transfer = await offer(course, `bench-${size}.bin`, size, brokers);
  const seconds = await transfer.run();
  await transfer.end();
  return size / seconds;
}

/**
 * Sends one file to one receiver, and does not wait for its end.
 * @param {Course} course
 * @param {number} size in bytes
 * @param {{ from: string, to: string }} brokers
 * @param {number} milliseconds how long it may take from the choice of the file
 * @returns {Promise<{ bytes: number, seconds: number, usage: import('./processes.mjs').Usage }>} what had arrived after
 *   which time, and the processor time for it
 */
export async function rateWithin(course, size, { from, to }, milliseconds) {
  const transfer = await offer(course, `bench-${size}.bin`, size, { from, to: [to] });
  try {
    const count = await countProcessorTime();
    const { isDone, ...arrived } = await transfer.runFor(milliseconds);
    const usage = await count();
    await (isDone ? transfer.remove() : transfer.giveUp());
    return { ...arrived, usage };
  } finally {
    await transfer.close();
  }
}

/**
 * Gets ready to send one file.
 * @param {Course} course
 * @param {string} name the file's
 * @param {number} size in bytes
 * @param {Brokers} [brokers]
 */
export async function offer(course, name, size, brokers) {
  const path = join(course.folder, name);
  // The content follows from name and size: what is there is the right one.
  const there = await stat(path).catch(() => undefined);
  if (there?.size !== size) await makeFile(course.folder, name, size);
  return offerFiles(course, [path], size, brokers);
}

/**
 * Gets ready to send files as one parcel: opens windows of the app, all of them in one room.
 * @param {Course} course
 * @param {string[]} paths
 * @param {number} size in bytes, of all of them
 * @param {Brokers} [brokers]
 */
export async function offerFiles({ sender, receiver, station }, paths, size, { from, to = [undefined], origin = station.origin } = {}) {
  const names = to.map((_, place) => `Bo ${place + 1}`);
  const [window, ...others] = await Promise.all([
    joined(sender, origin, 'Ada', from),
    ...names.map((name, place) => joined(receiver, origin, name, to[place])),
  ]);
  await Promise.all([...names.map((name) => window.waitFor(peer(name))), ...others.map((other) => other.waitFor(peer('Ada')))]);
  return new Transfer(window, others, paths, size);
}

/** Files on their way from one window to others. */
export class Transfer {
  #receivers;
  #paths;
  #size;

  /**
   * @param {LeanPage} from
   * @param {LeanPage[]} receivers
   * @param {string[]} paths
   * @param {number} size in bytes
   */
  constructor(from, receivers, paths, size) {
    this.from = from;
    this.#receivers = receivers;
    this.#paths = paths;
    this.#size = size;
  }

  /** The receiver, or the first of them. */
  get to() {
    const [first] = this.#receivers;
    assert.ok(first, 'there is a receiver');
    return first;
  }

  /**
   * Sends and accepts; returns the seconds from the acceptance to the verified end, the last receiver's.
   * @param {number} [thought] how long the receivers think before they accept, in milliseconds
   */
  async run(thought) {
    return Math.max(...(await this.runEach({ thought })));
  }

  /**
   * The same for each receiver; all of them accept at the same time.
   * @param {{ slowest?: number, thought?: number }} [how] what has failed if it is slower, in bytes a second
   */
  async runEach({ slowest, thought = 0 } = {}) {
    await this.from.choose(byId('send-files'), this.#paths);
    await Promise.all(this.#receivers.map((receiver) => receiver.waitFor(byId('accept'))));
    await delay(thought);
    const ends = Promise.all(this.#receivers.map(async (receiver) => (await accept(receiver)).seconds));
    try {
      const seconds = await arrives(ends, this.#size, `a transfer of ${this.#size} bytes to ${this.#receivers.length}`, slowest);
      await this.from.waitFor(`${byId('transfer')}[data-state="done"]`);
      return seconds;
    } catch (error) {
      const shown = await inTime(this.#progress(), GLANCE, 'looking at the sender').catch(String);
      throw new Error(`${error instanceof Error ? error.message : error}; the sender shows: ${shown}`, { cause: error });
    }
  }

  /**
   * Sends, accepts at once, and waits for the end or until the time is over.
   * @param {number} milliseconds from the choice of the files
   * @returns {Promise<{ bytes: number, seconds: number, isDone: boolean }>} how far the first receiver was, after which time
   */
  async runFor(milliseconds) {
    const began = Date.now();
    await this.from.choose(byId('send-files'), this.#paths);
    await this.to.waitFor(byId('accept'));
    const { at, bytes, isDone } = await accept(this.to, began + milliseconds);
    return { bytes, isDone, seconds: (at - began) / 1000 };
  }

  /** How far each receiver is, as the sender shows it. */
  async #progress() {
    const rows = await this.from.evaluate(
      (each) => [...document.querySelectorAll(each)].map(({ attributes }) => [...attributes].map(({ name, value }) => `${name}=${value}`)),
      byId('receiver'),
    );
    return rows.map((row) => row.filter((each) => each.startsWith('data-')).join(' ')).join('; ');
  }

  /** Ends what is not done yet, and removes what was received of it. */
  async giveUp() {
    await this.from.click(byId('cancel'));
    const remove = async (/** @type {LeanPage} */ receiver) => {
      await receiver.waitFor(`${byId('transfer')}[data-state="cancelled"]`);
      await receiver.click(byId('remove'));
    };
    await Promise.all(this.#receivers.map(remove));
  }

  /** Removes what was received and closes the windows. */
  async end() {
    await this.remove();
    await this.close();
  }

  /** Removes what was received. */
  async remove() {
    const remove = async (/** @type {LeanPage} */ receiver) => {
      await receiver.click(byId('remove'));
      // It was not saved, so it could be had back for a while.
      await receiver.click(byId('remove-now'));
    };
    await Promise.all(this.#receivers.map(remove));
  }

  /** Closes the windows. */
  async close() {
    await Promise.all([this.from, ...this.#receivers].map((window) => window.close()));
  }
}

/**
 * Clicks on Accept; returns how much the window shows as arrived when all has, or when the time is over.
 * @param {LeanPage} receiver
 * @param {number} [until] milliseconds since 1970; without it, until all has arrived
 * @returns {Promise<{ bytes: number, at: number, seconds: number, isDone: boolean }>} when that was, and the seconds
 *   since the click
 */
function accept(receiver, until) {
  return receiver.evaluate(
    ({ transfer, accept, until }) =>
      new Promise((resolve, reject) => {
        const card = document.querySelector(transfer);
        const button = document.querySelector(accept);
        if (!card || !(button instanceof HTMLElement)) return reject(new Error('nothing to accept'));
        const began = performance.now();
        const now = () => performance.timeOrigin + performance.now();
        const end = () => {
          clearTimeout(timer);
          observer.disconnect();
        };
        const tell = () => {
          end();
          const [isDone, bytes] = [card.getAttribute('data-state') === 'done', Number(card.getAttribute('data-bytes'))];
          resolve({ bytes, at: now(), seconds: (performance.now() - began) / 1000, isDone });
        };
        const observer = new MutationObserver(() => {
          const state = card.getAttribute('data-state') ?? '';
          if (state === 'done') return tell();
          if (!['failed', 'cancelled', 'declined'].includes(state)) return;
          end();
          reject(new Error(`the transfer ${state}`));
        });
        const timer = until === undefined ? undefined : setTimeout(tell, until - now());
        observer.observe(card, { attributes: true, attributeFilter: ['data-state'] });
        button.click();
      }),
    { transfer: byId('transfer'), accept: byId('accept'), until },
  );
}

/**
 * Opens the app and joins.
 * @param {import('./lean-browser.mjs').LeanBrowser} browser
 * @param {string} origin
 * @param {string} name
 * @param {string} [broker] if not the origin's
 */
async function joined(browser, origin, name, broker) {
  const window = await browser.open(linkTo(origin, { key: KEY, name, broker }));
  await window.click(byId('join'));
  await window.waitFor(ONLINE);
  // Browsers slow down what nobody can see.
  const seen = await window.evaluate(() => document.visibilityState);
  assert.equal(seen, 'visible', `the window of ${name} is seen`);
  return window;
}

/** @param {string} name */
function peer(name) {
  return `${byId('peer')}[data-name=${JSON.stringify(name)}]`;
}

/** @param {string} id */
function byId(id) {
  return `[data-testid="${id}"]`;
}
