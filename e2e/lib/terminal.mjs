// `mqdrop send` and `mqdrop receive` as a person in a terminal runs them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KEY } from './scenario.mjs';
import { inTime } from './in-time.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = process.env.MQDROP_STATION ?? `${root}target/debug/mqdrop`;

/** How long something that is to happen may take, in milliseconds. */
const PATIENCE = 60_000;

/** An event of `--json`. @typedef {{ v: number, event: string, [name: string]: unknown }} Told */

/** A running command. */
export class Terminal {
  /** @type {Told[]} */
  #told = [];
  /** @type {string[]} */
  #said = [];
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {string} broker
   * @param {string[]} args the command and what else it is told
   * @param {{ key?: string, state?: string }} [how] `state` is the folder that it remembers things in
   */
  constructor(broker, args, { key = KEY, state } = {}) {
    const [command, ...rest] = args;
    const env = { ...process.env, MQDROP_KEY: key, MQDROP_BROKER: broker, ...(state ? { XDG_STATE_HOME: state } : {}) };
    this.child = spawn(binary, [command, '--json', ...rest], { stdio: ['ignore', 'pipe', 'pipe'], env });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.#told.push(JSON.parse(line));
      this.#waiting.splice(0).forEach((look) => look());
    });
    createInterface({ input: this.child.stderr }).on('line', (line) => this.#said.push(line));
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#waiting.splice(0).forEach((look) => look());
      return /** @type {number | null} */ (code);
    });
  }

  /** What it said to people so far. */
  get said() {
    return this.#said.join('\n');
  }

  /** @param {string} event */
  all(event) {
    return this.#told.filter((told) => told.event === event);
  }

  /**
   * Waits for an event.
   * @param {string} event
   * @param {(told: Told) => boolean} [fits]
   * @returns {Promise<Told>}
   */
  async event(event, fits = () => true) {
    const look = async () => {
      for (;;) {
        const found = this.all(event).find(fits);
        if (found) return found;
        assert.ok(this.child.exitCode === null && this.child.signalCode === null, `it ended; it said:\n${this.said}`);
        await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
      }
    };
    return inTime(look(), PATIENCE, `the event ${event}`);
  }

  /** Waits for its end and returns the exit code. */
  async end() {
    return inTime(this.ended, PATIENCE, 'the end of the command');
  }

  /** Ends it without any warning. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Ends it if it has not ended; for what the test leaves behind. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
  }
}
