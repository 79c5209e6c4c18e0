// What the heaps of a page and of its workers hold, in bytes.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two looks, in milliseconds. */
const INTERVAL = 50;

/** @typedef {import('./remote-control.mjs').RemoteControl} RemoteControl */

/**
 * By how much heaps may grow, in bytes: meanwhile, with what nobody needs any more, and afterwards without
 * that. What is on its way from one thread to another is in none.
 * @typedef {{ peak: number, kept: number }} Bounds
 */

/**
 * Watches the heaps of a page and its workers from now on.
 * @param {RemoteControl} devTools
 * @param {string} page the session of a page
 */
export async function watchHeaps(devTools, page) {
  const sessions = [page];
  const attach = (/** @type {string} */ session) =>
    devTools.call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, session);
  /** @type {Promise<unknown>[]} */
  const attached = [];
  // Workers may have workers.
  const stop = devTools.listen((method, { sessionId }, session) => {
    if (method !== 'Target.attachedToTarget' || session === undefined || !sessions.includes(session)) return;
    sessions.push(sessionId);
    attached.push(attach(sessionId));
  });
  attached.push(attach(page));
  // Those that are there are told of before the answer.
  for (const each of attached) await each;
  return new Heaps(devTools, sessions, stop);
}

export class Heaps {
  #devTools;
  #sessions;
  #stop;

  /**
   * @param {RemoteControl} devTools
   * @param {string[]} sessions of the page and its workers
   * @param {() => void} stop
   */
  constructor(devTools, sessions, stop) {
    this.#devTools = devTools;
    this.#sessions = sessions;
    this.#stop = stop;
  }

  /** What JavaScript's heaps hold now, buffers included. */
  javaScript() {
    return this.#sum(async (session) => {
      const { usedSize, backingStorageSize } = await this.#devTools.call('Runtime.getHeapUsage', {}, session);
      return usedSize + backingStorageSize;
    });
  }

  /** What the modules' memories have come to; they never shrink. */
  wasm() {
    return this.#sum(async (session) => {
      const evaluated = await this.#devTools.call('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype' }, session);
      const { objects } = await this.#devTools.call('Runtime.queryObjects', { prototypeObjectId: evaluated.result.objectId }, session);
      const functionDeclaration = 'function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }';
      const call = { objectId: objects.objectId, functionDeclaration, returnByValue: true };
      return (await this.#devTools.call('Runtime.callFunctionOn', call, session)).result.value;
    });
  }

  /**
   * Does something, and fails if the heaps grow by more than they may.
   * @param {Bounds} bounds
   * @param {() => Promise<unknown>} act
   */
  async stayBelow(bounds, act) {
    const wasm = await this.wasm();
    const javaScript = await this.javaScript();
    const most = await this.#most(act);
    assert.equal(this.#sessions.length, 3, 'the page and its two workers are watched');
    // Looking for memories collects the garbage.
    const grown = (await this.wasm()) - wasm;
    const [peak, kept] = [most, await this.javaScript()].map((bytes) => bytes - javaScript + grown);
    assert.ok(peak <= bounds.peak, `${peak} bytes at most`);
    assert.ok(kept <= bounds.kept, `${kept} bytes afterwards`);
  }

  /** Watches no more. */
  stop() {
    this.#stop();
  }

  /**
   * What JavaScript's heaps hold at most while something is done.
   * @param {() => Promise<unknown>} act
   */
  async #most(act) {
    let most = 0;
    let going = true;
    const watching = (async () => {
      while (going) {
        most = Math.max(most, await this.javaScript());
        await delay(INTERVAL);
      }
    })();
    try {
      await act();
    } finally {
      going = false;
      await watching;
    }
    return most;
  }

  /** @param {(session: string) => Promise<number>} of */
  async #sum(of) {
    const each = await Promise.all(this.#sessions.map(of));
    return each.reduce((sum, bytes) => sum + bytes, 0);
  }
}
