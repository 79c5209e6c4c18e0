// `mqdrop send` and `mqdrop receive`, as scripts use them: by their events.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inTime } from './in-time.mjs';
import { KEY } from './scenario.mjs';
import { binary } from './station.mjs';

/** How long a command may take to say or do something, in milliseconds. */
const PATIENCE = 60_000;

/** An event of `--json`. @typedef {{ event: string, [field: string]: any }} Said */

/** A command that runs. */
export class Command {
  /** @type {Said[]} */
  events = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();
  /** What it has said on stderr so far. */
  errors = '';

  /**
   * @param {import('./scenario.mjs').Stage} stage ends it with the test
   * @param {string} folder where it runs, and keeps what it keeps
   * @param {string} broker
   * @param {string[]} args
   */
  constructor(stage, folder, broker, args) {
    this.child = spawn(binary, [...args, '--json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: folder, XDG_STATE_HOME: folder, MQDROP_KEY: KEY, MQDROP_BROKER: broker },
    });
    this.child.stderr.on('data', (bytes) => (this.errors += String(bytes)));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line));
      this.#waiting.forEach((look) => look());
    });
    this.ended = once(this.child, 'close');
    void stage.use(Promise.resolve({ stop: () => this.kill() }));
  }

  /**
   * Waits for an event.
   * @param {string} name
   * @param {(event: Said) => boolean} [isWanted]
   * @returns {Promise<Said>}
   */
  async until(name, isWanted = () => true) {
    const find = () => this.events.find((event) => event.event === name && isWanted(event));
    /** @type {Promise<void>} */
    const said = new Promise((resolve) => {
      const look = () => {
        if (!find()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    const over = this.ended.then(() => undefined);
    await inTime(Promise.race([said, over]), PATIENCE, `waiting for ${name}`);
    const found = find();
    assert.ok(found, `no ${name}: ${this.errors}`);
    return found;
  }

  /**
   * Waits for its end.
   * @param {number} expected exit code
   */
  async end(expected = 0) {
    const [code] = await inTime(this.ended, PATIENCE, 'the end of a command');
    assert.equal(code, expected, this.errors);
  }

  /** Ends it without any warning (SIGKILL). */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
