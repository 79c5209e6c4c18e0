// Many small files as one parcel, beside one file of as many bytes.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KIB, makeFile } from '../../lib/files.mjs';
import { offerFiles, rateOf } from '../app.mjs';
import { median } from '../report.mjs';

const COUNT = 10_000;
const EACH = 4 * KIB;
const TOTAL = COUNT * EACH;

/** How long somebody may take to see an offer and accept it, in milliseconds. */
const THOUGHT = 3_000;

/** @type {import('../conditions.mjs').Measure} */
export async function smallFiles(course, { rounds }) {
  const paths = await makeFiles(join(course.folder, 'small'));
  /** @type {number[]} */
  const atOnce = [];
  /** @type {number[]} */
  const later = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = await rateOf(course, TOTAL);
    atOnce.push((await rateOfMany(course, paths, 0)) / one);
    later.push((await rateOfMany(course, paths, THOUGHT)) / one);
  }
  const condition = `${COUNT.toLocaleString('en')} files of ${EACH / KIB} KiB: the rate, of one file as long`;
  return {
    rows: [
      { condition, seen: median(atOnce).toFixed(2), target: '≥ 0.5' },
      { condition: `the same, accepted ${THOUGHT / 1000} s after the offer`, seen: median(later).toFixed(2), target: '–' },
    ],
  };
}

/**
 * @param {import('../app.mjs').Course} course
 * @param {string[]} paths
 * @param {number} thought in milliseconds
 * @returns {Promise<number>} bytes a second
 */
async function rateOfMany(course, paths, thought) {
  const transfer = await offerFiles(course, paths, TOTAL);
  const seconds = await transfer.run(thought);
  await transfer.end();
  return TOTAL / seconds;
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>} their paths
 */
async function makeFiles(folder) {
  await mkdir(folder);
  const paths = [];
  for (let number = 1; number <= COUNT; number += 1) paths.push((await makeFile(folder, `${number}.bin`, EACH)).path);
  return paths;
}
