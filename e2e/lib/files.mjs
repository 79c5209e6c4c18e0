// Files to send and the comparison of what arrives.

import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { blake3 } from '@noble/hashes/blake3';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/**
 * A file to send.
 * @typedef {{ path: string, name: string, size: number, sha256: string }} MadeFile
 */

/** A folder of this test's own. @returns {Promise<{ path: string, remove: () => Promise<void> }>} */
export async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), 'mqdrop-e2e-'));
  // What a browser started may write there for a moment after the browser itself has ended.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10 }) };
}

/**
 * Writes a file whose content follows from its name and size and does not compress.
 * @param {string} folder
 * @param {string} name
 * @param {number} size in bytes
 * @returns {Promise<MadeFile>}
 */
export async function makeFile(folder, name, size) {
  const path = join(folder, name);
  const file = createWriteStream(path);
  const hash = createHash('sha256');
  for (const bytes of content(name, size)) {
    hash.update(bytes);
    if (!file.write(bytes)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
  return { path, name, size, sha256: hash.digest('hex') };
}

/**
 * The same bytes for the same name and size, in pieces.
 * @param {string} name
 * @param {number} size
 */
export function* content(name, size) {
  const seed = createHash('sha256').update(`${name}/${size}`).digest();
  const stream = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  for (let done = 0; done < size; done += zeros.length) {
    yield stream.update(zeros.subarray(0, Math.min(zeros.length, size - done)));
  }
}

/**
 * SHA-256 of a file in hexadecimal, read in pieces.
 * @param {string} path
 */
export async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * BLAKE3 of a file in hexadecimal, by an implementation of others.
 * @param {string} path
 */
export async function blake3Of(path) {
  const hash = blake3.create();
  for await (const bytes of createReadStream(path, { highWaterMark: MIB })) hash.update(bytes);
  return Buffer.from(hash.digest()).toString('hex');
}
