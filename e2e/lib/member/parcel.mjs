// A parcel as its sender has it: manifest, content and digests in blocks.

import { randomBytes } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519';
import { blake3 } from '@noble/hashes/blake3';
import { decode, encode } from 'cborg';
import { base32 } from './keys.mjs';
import { sealFrame } from './sealing.mjs';

/** A block's length in bytes. */
export const BLOCK = 16 * 1024;

/** Blocks in one frame. */
const FRAME = 8;

/** A file in a parcel. @typedef {{ path: string, bytes: Uint8Array, modified?: number, mime?: string }} File */

/** What a manifest says of a file. @typedef {{ path: string, size: number | bigint, modified?: number, mime?: string }} Entry */

/** Blocks one after the other. @typedef {{ first: number, count: number }} Run */

export class Parcel {
  contentKey = randomBytes(32);
  secret = randomBytes(32);
  parcelKey = ed25519.getPublicKey(this.secret);
  /** It follows from the key, so that nobody else can have it. */
  id = Buffer.from(blake3(this.parcelKey)).subarray(0, 10);
  /** The id as topics and pages have it. */
  name = base32(this.id);
  #last = 0;

  /**
   * @param {File[]} files
   * @param {{ title?: string, isText?: boolean, manifest?: Uint8Array, digests?: Uint8Array }} [how] a manifest
   *   or digests that lie, perhaps
   */
  constructor(files, { title = files[0]?.path ?? '', isText = false, manifest, digests = digestsOf(files) } = {}) {
    this.files = files;
    this.title = title;
    this.isText = isText;
    this.manifest = manifest ?? manifestOf(files.map(({ bytes, ...file }) => ({ ...file, size: bytes.length })));
    this.digestsHash = blake3(digests);
    const content = files.flatMap(({ bytes }) => inBlocks(bytes));
    /** Manifest, content, digests. */
    this.parts = [inBlocks(this.manifest), content, inBlocks(digests)];
    this.blocks = this.parts.flat();
  }

  /** A text. @param {string} text */
  static text(text) {
    const file = { path: 'text.txt', bytes: Buffer.from(text), mime: 'text/plain;charset=utf-8' };
    return new Parcel([file], { title: 'Text', isText: true });
  }

  /** What a data frame is sealed with. */
  get seal() {
    return { parcel: this.id, contentKey: this.contentKey };
  }

  /**
   * What a device says of it.
   * @param {import('./keys.mjs').Identity} sender
   */
  offer(sender) {
    const proof = ed25519.sign(Buffer.concat([Buffer.from('mqdrop parcel of a sender\0'), this.id, sender.id]), this.secret);
    return {
      parcel: this.id,
      title: this.title,
      bytes: this.files.reduce((sum, { bytes }) => sum + bytes.length, 0),
      files: this.files.length,
      manifestBytes: this.manifest.length,
      manifestHash: blake3(this.manifest),
      contentKey: this.contentKey,
      block: BLOCK,
      isText: this.isText,
      isPaused: false,
      parcelKey: this.parcelKey,
      proof,
    };
  }

  /**
   * These blocks as frames carry them: none reaches from one part into another.
   * @param {Set<number>} blocks
   * @returns {Run[]}
   */
  runs(blocks) {
    const starts = new Set([0, this.parts[0].length, this.parts[0].length + this.parts[1].length]);
    /** @type {Run[]} */
    const runs = [];
    for (const block of [...blocks].sort((a, b) => a - b)) {
      const run = runs.at(-1);
      if (run && block === run.first + run.count && run.count < FRAME && !starts.has(block)) run.count += 1;
      else runs.push({ first: block, count: 1 });
    }
    return runs;
  }

  /**
   * The frame that carries a run, and its send time.
   * @param {Run} run
   * @param {Uint8Array} [sender] who signs it
   */
  frame({ first, count }, sender) {
    // No two frames of a parcel have the same.
    this.#last = Math.max(this.#last + 1, Math.floor(performance.now() * 1000));
    const sent = this.#last;
    const blocks = Buffer.concat(this.blocks.slice(first, first + count));
    return { sent, payload: sealFrame(this.seal, { first, count, sent }, blocks, sender && { secret: this.secret, sender }) };
  }
}

/** @param {Entry[]} entries */
export function manifestOf(entries) {
  const listed = entries.map(({ path, size, modified, mime }) => {
    const fields = [path, size, modified, mime].map((value, key) => /** @type {const} */ ([key, value]));
    return new Map(fields.filter(([, value]) => value !== undefined));
  });
  return encode(new Map([[0, listed]]));
}

/** @param {File[]} files */
export function digestsOf(files) {
  return Buffer.concat(files.map(({ bytes }) => blake3(bytes)));
}

/**
 * @param {Uint8Array} manifest
 * @returns {Entry[]}
 */
export function entriesOf(manifest) {
  const listed = decode(manifest, { useMaps: true }).get(0);
  return listed.map((/** @type {Map<number, any>} */ entry) => ({
    path: entry.get(0),
    size: entry.get(1),
    modified: entry.get(2),
    mime: entry.get(3),
  }));
}

/** @param {number} length */
export function blockCount(length) {
  return Math.ceil(length / BLOCK);
}

/** @param {Uint8Array} bytes */
function inBlocks(bytes) {
  return Array.from({ length: blockCount(bytes.length) }, (_, place) => bytes.subarray(place * BLOCK, (place + 1) * BLOCK));
}
