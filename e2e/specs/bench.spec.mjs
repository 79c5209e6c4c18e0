// What the benchmark calls mqdrop's share of its budget, by figures that were seen.

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { brokerTable } from '../bench/broker-table.mjs';
import { MB, shareOf } from '../bench/brokers.mjs';
import { windowOf } from '../bench/raw.mjs';
import { terminalTable } from '../bench/terminals.mjs';

const KIB = 1024;

/**
 * @param {number} raw megabytes a second
 * @param {number} mqdrop megabytes a second
 * @param {Partial<import('../bench/brokers.mjs').Round>} [more] both cores are busy with raw MQTT, where nothing is said
 */
function round(raw, mqdrop, more) {
  const rates = new Map([
    [4 * KIB, (raw / 2) * MB],
    [256 * KIB, raw * MB],
  ]);
  return { raw: rates, best: 256 * KIB, rawWork: 2000 / raw, mqdrop: mqdrop * MB, mqdropWork: 2000 / mqdrop, cores: 2, ...more };
}

test('the budget is all cores at work, with what mqdrop does besides', () => {
  assert.equal(shareOf(round(315, 136)).toFixed(2), '1.04');
  assert.equal(shareOf(round(132, 78)).toFixed(2), '0.94');
});

test('a broker that leaves the cores idle is not exceeded', () => {
  assert.equal(shareOf(round(100, 50, { rawWork: 5 })), 0.5);
});

test('cores that others take do not count', () => {
  assert.equal(shareOf(round(315, 68, { cores: 1 })).toFixed(2), '1.04');
});

test('the table has medians of rounds, and a dash for what a broker refuses', () => {
  const lines = brokerTable(new Map([['a broker', [round(100, 10), round(300, 30), round(200, 20)]]]), 3, 512 * KIB * KIB);
  assert.match(lines.at(-1) ?? '', /^\| a broker \| – \| 100 \| – \| – \| \*\*200\*\* \| – \| 20 \| 0\.19 \| 10 and 100 \|$/);
});

test('programs on terminals are compared with the first, round by round', () => {
  const rates = new Map([
    ['one', [100, 50, 80].map((rate) => rate * KIB * KIB)],
    ['other', [50, 50, 20].map((rate) => rate * KIB * KIB)],
  ]);
  const lines = terminalTable(rates, 3, 512 * KIB * KIB);
  assert.match(lines[0] ?? '', /512 MiB; 3 rounds/);
  assert.equal(lines.at(-1), '| other | 50.0 | 20.0 to 50.0 | 0.50 |');
});

test('the window holds a number of packets, whatever their length', () => {
  assert.equal(windowOf(2 * KIB), 256 * 2 * KIB);
  assert.equal(windowOf(64 * KIB), 2 * KIB * KIB);
  assert.equal(windowOf(896 * KIB), 4 * 896 * KIB);
});
