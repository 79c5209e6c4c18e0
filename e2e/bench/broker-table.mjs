// The table by broker in docs/PERFORMANCE.md.

import { MIB } from '../lib/files.mjs';
import { MB, shareOf } from './brokers.mjs';
import { LENGTHS } from './raw.mjs';
import { median } from './report.mjs';

/**
 * What was seen at brokers, as a table with its heading; of several rounds medians.
 * @param {Map<string, import('./brokers.mjs').Round[]>} brokers by title
 * @param {number} rounds
 * @param {number} size in bytes, of what mqdrop sends
 */
export function brokerTable(brokers, rounds, size) {
  const rate = (/** @type {number} */ each) => (each / MB).toFixed(each < 10 * MB ? 2 : 0);
  const lines = [...brokers].map(([title, each]) => {
    const of = (/** @type {(round: import('./brokers.mjs').Round) => number} */ value) => median(each.map(value));
    const byLength = LENGTHS.map((length) => of(({ raw }) => raw.get(length) ?? 0));
    const best = Math.max(...byLength);
    const cells = byLength.map((value) => (value === 0 ? '–' : value === best ? `**${rate(value)}**` : rate(value)));
    const work = [of(({ rawWork }) => rawWork), of(({ mqdropWork }) => mqdropWork)].map((value) => value.toFixed(0)).join(' and ');
    return `| ${[title, ...cells, rate(of(({ mqdrop }) => mqdrop)), of(shareOf).toFixed(2), work].join(' | ')} |`;
  });
  const heads = ['broker', ...LENGTHS.map((length) => `${length / 1024} KiB`), 'mqdrop', 'of its budget', 'ms a MB, raw and mqdrop'];
  return [
    `By broker, in MB (1,000,000 bytes) a second: raw MQTT by the length of its packets, and mqdrop with ${size / MIB} MiB. Rounds: ${rounds}.`,
    '',
    `| ${heads.join(' | ')} |`,
    `|${'---|'.repeat(heads.length)}`,
    ...lines,
  ];
}
