// Medians, ratios and the table in docs/PERFORMANCE.md.

import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { MIB } from '../lib/files.mjs';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/**
 * The rates as a table; ratios are the medians of each round's ratio.
 * @param {Map<string, number[]>} rates bytes a second, by contender, round after round
 */
export function rateTable(rates) {
  const [raw = [], library = []] = [...rates.values()];
  const ratio = (/** @type {number[]} */ of, /** @type {number[]} */ to) =>
    median(of.map((rate, round) => rate / (to[round] ?? NaN))).toFixed(2);
  const mib = (/** @type {number} */ rate) => (rate / MIB).toFixed(1);
  return [
    '| contender | MiB/s, median | lowest to highest | of raw | of MQTT.js |',
    '|---|---|---|---|---|',
    ...[...rates].map(
      ([name, each]) =>
        `| ${name} | ${mib(median(each))} | ${mib(Math.min(...each))} to ${mib(Math.max(...each))} | ${ratio(each, raw)} | ${ratio(each, library)} |`,
    ),
  ];
}

/**
 * What was seen under conditions, as a table.
 * @param {import('./conditions.mjs').Row[]} rows
 */
export function conditionTable(rows) {
  return [
    '| condition | seen | target |',
    '|---|---|---|',
    ...rows.map(({ condition, seen, target }) => `| ${condition} | ${seen} | ${target} |`),
  ];
}

/**
 * How much memory a transfer took, as a table with its heading.
 * @param {number} bytes that were sent
 * @param {{ idle: import('./memory.mjs').Both, peak: import('./memory.mjs').Both }} memory
 */
export function memoryTable(bytes, { idle, peak }) {
  const cells = (/** @type {'sender' | 'receiver'} */ side) =>
    [idle[side].page, peak[side].page, idle[side].browser, peak[side].browser].map((each) => each.toFixed(0)).join(' | ');
  return [
    `Memory while ${bytes / MIB} MiB are sent: anonymous resident memory of Chromium's processes, in MiB.`,
    '',
    '| | page and worker, idle | page and worker, peak | whole browser, idle | whole browser, peak |',
    '|---|---|---|---|---|',
    `| sender | ${cells('sender')} |`,
    `| receiver | ${cells('receiver')} |`,
  ];
}

/**
 * What is loaded first, in words.
 * @param {Awaited<ReturnType<typeof import('../lib/first-load.mjs').measureFirstLoad>>} load
 */
export function firstLoad({ brotli, files }) {
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  return [
    `First load, everything needed to be in a room, compressed with brotli: ${kib(brotli)}`,
    `(${files.map((file) => `${file.name} ${kib(file.brotli)}`).join(', ')}).`,
  ];
}

/**
 * What was measured on, in words.
 * @param {string} browserVersion
 * @param {number} rounds
 * @param {number} size in MiB
 */
export function circumstances(browserVersion, rounds, size) {
  const model = cpus()[0]?.model.trim() || 'processor';
  const taken = rounds > 0 ? `${rounds} rounds of ${size} MiB, interleaved; ` : '';
  return `${taken}Chromium ${browserVersion}, ${cpus().length} cores (${model}).`;
}

/**
 * Puts the lines between the page's markers.
 * @param {URL} page
 * @param {string[]} lines
 */
export async function writeBetweenMarkers(page, lines) {
  const text = await readFile(page, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${page.pathname} has no place for the table: add ${BEGIN} and ${END}.`);
  await writeFile(page, `${text.slice(0, begin + BEGIN.length)}\n${lines.join('\n')}\n${text.slice(end)}`);
}
