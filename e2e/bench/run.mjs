// The benchmark: contenders take turns, round after round, between the same two browsers.

import { parseArgs } from 'node:util';
import { MIB, tempFolder } from '../lib/files.mjs';
import { endBrowser, launchBrowser } from '../lib/browser.mjs';
import { measureFirstLoad } from '../lib/first-load.mjs';
import { startStaticHost } from '../lib/static-host.mjs';
import { startStation } from '../lib/station.mjs';
import { CONTENDERS } from './contenders.mjs';
import { LeanBrowser } from './lean-browser.mjs';
import { measureMemory } from './memory.mjs';
import { circumstances, rateTable, writeBetweenMarkers } from './report.mjs';

const USAGE = 'Options: --rounds N (5), --size MIB (512), --memory-size MIB (1024; 0 leaves it out), --write.';

const options = readOptions();
/** @type {(() => Promise<unknown>)[]} */
const endings = [];
try {
  await bench();
} finally {
  for (const end of endings.reverse()) await end();
}

async function bench() {
  const station = await startStation();
  endings.push(() => station.stop());
  const host = await startStaticHost(new URL('..', import.meta.url).pathname);
  endings.push(() => host.stop());
  const [folder, one, two] = await Promise.all([tempFolder(), tempFolder(), tempFolder()]);
  endings.push(...[folder, one, two].map(({ remove }) => remove));
  const [sender, receiver] = await Promise.all([LeanBrowser.launch(one.path), LeanBrowser.launch(two.path)]);
  endings.push(() => sender.close(), () => receiver.close());
  const course = { sender, receiver, station, pages: host.origin, folder: folder.path };

  /** @type {Map<string, number[]>} */
  const rates = new Map(CONTENDERS.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const { name, run } of CONTENDERS) {
      const rate = await run(course, options.size * MIB);
      rates.get(name)?.push(rate);
      console.log(`round ${round}: ${(rate / MIB).toFixed(1)} MiB/s  ${name}`);
    }
  }
  const lines = [circumstances(await sender.version(), options.rounds, options.size), '', ...rateTable(rates)];

  const browser = await launchBrowser();
  endings.push(() => endBrowser(browser));
  const load = await measureFirstLoad(browser, station);
  lines.push('', `First load, everything needed to be in a room, compressed with brotli: ${kib(load.brotli)}`);
  lines.push(`(${load.files.map(({ name, brotli }) => `${name} ${kib(brotli)}`).join(', ')}).`);

  if (options.memorySize > 0) {
    const { idle, peak } = await measureMemory(course, options.memorySize * MIB);
    lines.push('', `Memory while ${options.memorySize} MiB are sent: anonymous resident memory of Chromium's processes, in MiB.`);
    lines.push('', '| | page and worker, idle | page and worker, peak | whole browser, idle | whole browser, peak |', '|---|---|---|---|---|');
    for (const side of /** @type {const} */ (['sender', 'receiver'])) {
      const cells = [idle[side].page, peak[side].page, idle[side].browser, peak[side].browser];
      lines.push(`| ${side} | ${cells.map((each) => each.toFixed(0)).join(' | ')} |`);
    }
  }

  console.log(`\n${lines.join('\n')}`);
  if (options.write) await writeBetweenMarkers(new URL('../../docs/PERFORMANCE.md', import.meta.url), lines);
}

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/** The command line; ends the program with 2 if it makes no sense. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        size: { type: 'string', default: '512' },
        'memory-size': { type: 'string', default: '1024' },
        write: { type: 'boolean', default: false },
      },
    });
    return {
      rounds: wholeNumber('rounds', values.rounds, 1),
      size: wholeNumber('size', values.size, 1),
      memorySize: wholeNumber('memory-size', values['memory-size'], 0),
      write: values.write,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error} ${USAGE}`);
    process.exit(2);
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function wholeNumber(name, text, least) {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`--${name} takes a whole number from ${least}, not ${JSON.stringify(text)}.`);
}
