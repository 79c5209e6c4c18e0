// The benchmark: contenders take turns, round after round, between the same two browsers; then follow
// conditions that no contender is needed for, or only now and then.

import { parseArgs } from 'node:util';
import { MIB, tempFolder } from '../lib/files.mjs';
import { endBrowser, launchBrowser } from '../lib/browser.mjs';
import { measureFirstLoad } from '../lib/first-load.mjs';
import { startStaticHost } from '../lib/static-host.mjs';
import { startStation } from '../lib/station.mjs';
import { CONDITIONS, measureConditions, named } from './conditions.mjs';
import { brokerTable } from './broker-table.mjs';
import { BROKERS, measureBrokers } from './brokers.mjs';
import { contenders } from './contenders.mjs';
import { LeanBrowser } from './lean-browser.mjs';
import { circumstances, conditionTable, firstLoad, rateTable, writeBetweenMarkers } from './report.mjs';
import { measureTerminals, terminalTable } from './terminals.mjs';

/** Lets a data channel between two browsers use this computer's own address, if it has no other. */
const BROWSER_OPTIONS = ['--allow-loopback-in-peer-connection'];

const USAGE =
  'Options: --rounds N (5), --size MIB (512), --brokers N (1; rounds at each broker, 0 leaves them out), ' +
  '--only-broker NAME (all; leaves out everything else), --terminal-rounds N (5; from terminal to terminal, 0 leaves them out), ' +
  '--condition-rounds N (3; 0 leaves the conditions out), --large MIB (1024; 0 leaves it out), ' +
  '--only CONDITION (all; leaves out brokers and terminals), --write.';

const options = readOptions();
/** @type {(() => Promise<unknown>)[]} */
const endings = [];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void endAll().finally(() => process.exit(1)));
try {
  await bench();
} finally {
  await endAll();
}

/** Ends what was started, the last first, also if some of it fails. */
async function endAll() {
  for (let end = endings.pop(); end; end = endings.pop()) await end().catch((error) => console.error(String(error)));
}

async function bench() {
  const station = await startStation(['--topics', '--origin', '*']);
  endings.push(() => station.stop());
  const host = await startStaticHost(new URL('..', import.meta.url).pathname);
  endings.push(() => host.stop());
  const [folder, one, two] = await Promise.all([tempFolder(), tempFolder(), tempFolder()]);
  endings.push(...[folder, one, two].map(({ remove }) => remove));
  const [sender, receiver] = await Promise.all([launch(one.path), launch(two.path)]);
  const course = { sender, receiver, station, pages: host.origin, folder: folder.path };

  const lines = [circumstances(await sender.version(), options.rounds, options.size)];
  if (options.rounds > 0) lines.push('', ...rateTable(await measureRates(course)));
  const size = options.size * MIB;
  if (options.brokers > 0) {
    const measured = await measureBrokers(course, { rounds: options.brokers, size, only: options.onlyBroker });
    lines.push('', ...brokerTable(measured, options.brokers, size));
  }
  if (options.terminalRounds > 0) {
    const measured = await named('from terminal to terminal', measureTerminals(folder.path, options.terminalRounds, size));
    lines.push('', ...terminalTable(measured, options.terminalRounds, size));
  }
  const { rows, more } = options.conditionRounds > 0 ? await measureConditions(course, extent()) : { rows: [], more: [] };
  if (rows.length > 0) lines.push('', ...conditionTable(rows));
  if (options.firstLoad) lines.push('', ...firstLoad(await named('the first load', firstLoadOf(station))));
  if (more.length > 0) lines.push('', ...more);

  console.log(`\n${lines.join('\n')}`);
  if (options.write) await writeBetweenMarkers(new URL('../../docs/PERFORMANCE.md', import.meta.url), lines);
}

/**
 * Starts one of the two browsers.
 * @param {string} profile
 */
async function launch(profile) {
  const browser = await LeanBrowser.launch(profile, BROWSER_OPTIONS);
  endings.push(() => browser.close());
  return browser;
}

/**
 * Lets the contenders take turns.
 * @param {import('./app.mjs').Course} course
 * @returns {Promise<Map<string, number[]>>} bytes a second, by contender, round after round
 */
async function measureRates(course) {
  const all = await named('looking for the best length', contenders(course));
  /** @type {Map<string, number[]>} */
  const rates = new Map(all.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const { name, run } of all) {
      const rate = await named(`round ${round} of ${name}`, run(options.size * MIB));
      rates.get(name)?.push(rate);
      console.log(`round ${round}: ${(rate / MIB).toFixed(1)} MiB/s  ${name}`);
    }
  }
  return rates;
}

/** @returns {import('./conditions.mjs').Extent} */
function extent() {
  return { rounds: options.conditionRounds, size: options.size * MIB, large: options.large * MIB, only: options.only };
}

/** @param {import('../lib/station.mjs').Station} station */
async function firstLoadOf(station) {
  const browser = await launchBrowser();
  try {
    return await measureFirstLoad(browser, station);
  } finally {
    await endBrowser(browser);
  }
}

/** The command line; ends the program with 2 if it makes no sense. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        size: { type: 'string', default: '512' },
        brokers: { type: 'string', default: '1' },
        'only-broker': { type: 'string', default: '' },
        'terminal-rounds': { type: 'string', default: '5' },
        'condition-rounds': { type: 'string', default: '3' },
        large: { type: 'string', default: '1024' },
        only: { type: 'string', default: '' },
        write: { type: 'boolean', default: false },
      },
    });
    const only = known('only', values.only, CONDITIONS);
    const onlyBroker = known('only-broker', values['only-broker'], BROKERS);
    const number = (/** @type {keyof typeof values} */ name, /** @type {number} */ least) => wholeNumber(name, String(values[name]), least);
    return {
      rounds: onlyBroker ? 0 : number('rounds', 0),
      size: number('size', 1),
      brokers: only ? 0 : number('brokers', 0),
      onlyBroker,
      terminalRounds: only || onlyBroker ? 0 : number('terminal-rounds', 0),
      conditionRounds: onlyBroker ? 0 : number('condition-rounds', 0),
      large: number('large', 0),
      only,
      firstLoad: !only && !onlyBroker,
      write: values.write,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error} ${USAGE}`);
    process.exit(2);
  }
}

/**
 * A name that there is, or none.
 * @param {string} option
 * @param {string} name
 * @param {object} names
 */
function known(option, name, names) {
  if (name === '' || Object.hasOwn(names, name)) return name;
  throw new Error(`--${option} takes one of: ${Object.keys(names).join(', ')}.`);
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
