// Many small files as one parcel, beside one file of as many bytes.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KIB, makeFile } from '../../lib/files.mjs';
import { offerFiles, rateOf } from '../app.mjs';
import { median } from '../report.mjs';

const COUNT = 10_000;
const EACH = 4 * KIB;
const TOTAL = COUNT * EACH;

/** @type {import('../conditions.mjs').Measure} */
export async function smallFiles(course, { rounds }) {
  const paths = await makeFiles(join(course.folder, 'small'));
  const shares = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = await rateOf(course, TOTAL);
    const transfer = await offerFiles(course, paths, TOTAL);
    const seconds = await transfer.run();
    await transfer.end();
    shares.push(TOTAL / seconds / one);
  }
  const condition = `${COUNT.toLocaleString('en')} files of ${EACH / KIB} KiB: the rate, of one file as long`;
  return { rows: [{ condition, seen: median(shares).toFixed(2), target: '≥ 0.5' }] };
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
