// From terminal to terminal: programs that send files take turns with the same one.

import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFile, MIB, sha256Of } from '../lib/files.mjs';
import { freePort, portAnswers, start, stop } from '../lib/processes.mjs';
import { binary, startStation } from '../lib/station.mjs';
import { median } from './report.mjs';

/** @typedef {import('../lib/processes.mjs').Program} Program */

/** How long a program may take to offer a file, and to transfer it, in milliseconds. */
const PATIENCE = 120_000;

/** The key or code of the transfers. */
const SECRET = '7-benchmark-of-this-machine';

/** What is sent. */
const FILE = 'bench.bin';

/**
 * A program that sends files, with the servers that it needs.
 * @typedef {object} Sender
 * @property {(path: string) => Promise<Program>} send runs until somebody has the file; ready when it waits for a receiver
 * @property {(folder: string) => Promise<Program>} receive
 * @property {() => Promise<unknown>} stop
 */

/** By what the table calls them; the first is compared with the others. @type {Record<string, (folder: string) => Promise<Sender>>} */
const SENDERS = {
  'mqdrop, through the station': mqdrop,
  'magic-wormhole, straight from one to the other': magicWormhole,
};

/**
 * Lets the programs take turns.
 * @param {string} folder for files
 * @param {number} rounds
 * @param {number} size in bytes
 * @returns {Promise<Map<string, number[]>>} bytes a second, by name, round after round
 */
export async function measureTerminals(folder, rounds, size) {
  const { path, sha256 } = await makeFile(folder, FILE, size);
  /** @type {Map<string, { sender: Sender, each: number[] }>} */
  const all = new Map();
  try {
    for (const [name, begin] of Object.entries(SENDERS)) all.set(name, { sender: await begin(folder), each: [] });
    for (let round = 1; round <= rounds; round += 1) {
      for (const [name, { sender, each }] of all) {
        const rate = await measureRound(sender, folder, { path, sha256, size });
        each.push(rate);
        console.log(`round ${round}: ${(rate / MIB).toFixed(1)} MiB/s  ${name}`);
      }
    }
  } finally {
    await Promise.all([...all.values()].map(({ sender }) => sender.stop()));
    await rm(path, { force: true });
  }
  return new Map([...all].map(([name, { each }]) => [name, each]));
}

/**
 * Sends a file while its sender waits already: what counts is the time from the receiver's start until both have ended.
 * @param {Sender} sender
 * @param {string} folder
 * @param {{ path: string, sha256: string, size: number }} file
 * @returns {Promise<number>} bytes a second
 */
async function measureRound(sender, folder, { path, sha256, size }) {
  const inbox = await mkdtemp(join(folder, 'inbox-'));
  try {
    const sending = await sender.send(path);
    const began = performance.now();
    const receiving = await sender.receive(inbox);
    await Promise.all([ended(sending), ended(receiving)]);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(await sha256Of(join(inbox, FILE)), sha256, 'the file is the one that was sent');
    return size / seconds;
  } finally {
    await rm(inbox, { recursive: true, force: true });
  }
}

/** @param {Program} program */
async function ended({ child, said }) {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  clearTimeout(timer);
  assert.equal(child.exitCode, 0, `${child.spawnargs.join(' ')} ends well; it said:\n${said.join('\n')}`);
}

/**
 * This program, over plain TCP.
 * @param {string} folder
 * @returns {Promise<Sender>}
 */
async function mqdrop(folder) {
  const port = await freePort();
  const station = await startStation(['--mqtt-listen', `127.0.0.1:${port}`]);
  await portAnswers(port);
  const environment = { HOME: folder, XDG_STATE_HOME: folder, MQDROP_KEY: SECRET, MQDROP_BROKER: `mqtt://127.0.0.1:${port}` };
  return {
    send: (path) => start(binary, ['send', '--json', path], (line) => line.includes('"offer"'), PATIENCE, environment),
    receive: (inbox) => start(binary, ['receive', '--json', '--yes', '--out', inbox], () => true, PATIENCE, environment),
    stop: station.stop,
  };
}

/**
 * Magic-wormhole, with both of its servers on this computer.
 * @param {string} folder
 * @returns {Promise<Sender>}
 */
async function magicWormhole(folder) {
  const bin = process.env.MQDROP_WORMHOLE ?? new URL('../../target/magic-wormhole/bin', import.meta.url).pathname;
  const [mailbox, relay] = [await freePort(), await freePort()];
  const serve = (/** @type {string[]} */ plugin, /** @type {number} */ port) =>
    start(join(bin, 'twist'), [...plugin, '--port', `tcp:${port}:interface=127.0.0.1`], () => true, PATIENCE, { HOME: folder });
  const database = join(folder, 'mailbox.sqlite');
  const servers = [await serve(['wormhole-mailbox', '--channel-db', database], mailbox), await serve(['transitrelay'], relay)];
  await Promise.all([mailbox, relay].map((port) => portAnswers(port)));
  const here = ['--relay-url', `ws://127.0.0.1:${mailbox}/v1`, '--transit-helper', `tcp:127.0.0.1:${relay}`];
  const run = (/** @type {string[]} */ args, /** @type {(line: string) => boolean} */ isReady) =>
    start(join(bin, 'wormhole'), [...here, ...args], isReady, PATIENCE, { HOME: folder });
  return {
    send: (path) => run(['send', '--hide-progress', '--no-qr', '--code', SECRET, path], (line) => line.includes('wormhole receive')),
    receive: (inbox) => run(['receive', '--hide-progress', '--accept-file', '--output-file', inbox, SECRET], () => true),
    stop: () => Promise.all(servers.map((server) => stop(server))),
  };
}

/**
 * What was seen, as a table with its heading.
 * @param {Map<string, number[]>} senders bytes a second, by name, round after round
 * @param {number} rounds
 * @param {number} size in bytes
 */
export function terminalTable(senders, rounds, size) {
  const [own = []] = senders.values();
  const mib = (/** @type {number} */ rate) => (rate / MIB).toFixed(1);
  return [
    `From terminal to terminal, ${size / MIB} MiB; ${rounds} rounds in turn.`,
    '',
    '| program | MiB/s, median | lowest to highest | of mqdrop |',
    '|---|---|---|---|',
    ...[...senders].map(([name, rates]) => {
      const ratio = median(rates.map((rate, round) => rate / (own[round] ?? NaN))).toFixed(2);
      return `| ${name} | ${mib(median(rates))} | ${mib(Math.min(...rates))} to ${mib(Math.max(...rates))} | ${ratio} |`;
    }),
  ];
}
