// An honest receiver of one parcel: wants, collects, compares and confirms.

import assert from 'node:assert/strict';
import { blake3 } from '@noble/hashes/blake3';
import { base32, idOf } from './keys.mjs';
import { listOf } from './messages.mjs';
import { BLOCK, blockCount, digestsOf, entriesOf } from './parcel.mjs';
import { openFrame } from './sealing.mjs';

const CREDIT = 16 * 1024 * 1024;
/** An acknowledgement after so many frames, or so many milliseconds, or as a reminder. */
const [FRAMES, DELAY, REMINDER] = [4, 25, 1_000];

export class Receiving {
  #member;
  #offer;
  #from;
  /** By place. @type {Map<number, Uint8Array>} */
  #held = new Map();
  /** Once the manifest is whole. @type {import('./parcel.mjs').Entry[] | undefined} */
  #entries;
  /** @type {Map<number, number> | undefined} */
  #echo;
  #frames = 0;
  /** The frame whose pieces come. @type {{ sent: number, bytes: Buffer } | undefined} */
  #pieces;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /**
   * @param {import('../member.mjs').Member} member
   * @param {string} from
   * @param {import('./messages.mjs').Fields} offer
   */
  constructor(member, from, offer) {
    this.#member = member;
    this.#from = from;
    this.#offer = /** @type {import('./messages.mjs').Offer} */ (offer);
    this.parcel = base32(offer.parcel);
  }

  /** Accepts: says for the first time what is held, which is nothing. */
  async begin() {
    await this.#member.subscribe(`d/${this.parcel}`);
    await this.#want();
  }

  /** @param {Buffer} payload */
  async handleFrame(payload) {
    const { first, count, sent, blocks, piece } = openFrame(this.#offer, idOf(this.#member.publicKeyOf(this.#from)), payload);
    if (piece === undefined) return this.#take(first, count, sent, blocks);
    if (this.#pieces?.sent !== sent) this.#pieces = { sent, bytes: Buffer.alloc(0) };
    // One that does not go on where the one before ended follows one that was lost.
    if (piece !== this.#pieces.bytes.length) return;
    this.#pieces.bytes = Buffer.concat([this.#pieces.bytes, blocks]);
    const whole = this.#lengths().slice(first, first + count).reduce((sum, length) => sum + length, 0);
    if (this.#pieces.bytes.length === whole) await this.#take(first, count, sent, this.#pieces.bytes);
  }

  /**
   * Takes in the blocks of a frame.
   * @param {number} first
   * @param {number} count
   * @param {number} sent
   * @param {Uint8Array} blocks
   */
  async #take(first, count, sent, blocks) {
    const came = performance.now();
    // How long ago it came is told when it is told.
    this.#echo = new Map([[0, sent], [1, came]]);
    if (this.#entries || first + count <= this.#manifestBlocks) {
      let from = 0;
      for (const [place, length] of this.#lengths().slice(first, first + count).entries()) {
        this.#held.set(first + place, blocks.subarray(from, from + length));
        from += length;
      }
    }
    if (!this.#entries && this.#held.size === this.#manifestBlocks) this.#readManifest();
    this.#frames += 1;
    if (this.#frames >= FRAMES) await this.#want();
    else this.#wantIn(DELAY);
  }

  /**
   * The sender says that all is sent.
   * @param {import('./messages.mjs').Fields} complete
   * @returns {Promise<import('./parcel.mjs').File[]>} what arrived
   */
  async handleComplete({ digestsHash }) {
    this.stop();
    assert.ok(this.#entries, 'all is sent, so the manifest arrived');
    let block = this.#manifestBlocks;
    const files = this.#entries.map(({ size, ...entry }) => {
      const end = block + blockCount(Number(size));
      const bytes = this.#bytes(block, end);
      block = end;
      assert.equal(bytes.length, Number(size), `${entry.path} is as long as the manifest says`);
      return { ...entry, bytes };
    });
    const digests = this.#bytes(block, block + blockCount(32 * files.length));
    assert.deepEqual(blake3(digests), digestsHash, 'the digests are those that complete names');
    assert.deepEqual(digestsOf(files), digests, 'the files are those that were sent');
    await this.#member.say('receipt', { parcel: this.#offer.parcel }, { to: this.#from });
    return files;
  }

  /** Says nothing more. */
  stop() {
    clearTimeout(this.#timer);
  }

  /** How long each block is, as far as that is known. */
  #lengths() {
    /** @param {number} bytes */
    const cut = (bytes) => Array.from({ length: blockCount(bytes) }, (_, at) => Math.min(BLOCK, bytes - at * BLOCK));
    const entries = this.#entries ?? [];
    const content = entries.flatMap(({ size }) => cut(Number(size)));
    return [...cut(this.#offer.manifestBytes), ...content, ...cut(32 * entries.length)];
  }

  get #manifestBlocks() {
    return blockCount(this.#offer.manifestBytes);
  }

  #readManifest() {
    const manifest = this.#bytes(0, this.#manifestBlocks);
    assert.deepEqual(blake3(manifest), this.#offer.manifestHash, 'the manifest is the one that was offered');
    this.#entries = entriesOf(manifest);
    assert.equal(this.#entries.length, this.#offer.files);
  }

  /**
   * @param {number} first
   * @param {number} end
   */
  #bytes(first, end) {
    return Buffer.concat(Array.from({ length: end - first }, (_, place) => this.#held.get(first + place) ?? Buffer.alloc(0)));
  }

  async #want() {
    this.#frames = 0;
    clearTimeout(this.#timer);
    const [sent, came] = this.#echo?.values() ?? [];
    const echo = this.#echo && new Map([[0, sent], [1, Math.floor((performance.now() - came) * 1000)]]);
    const held = listOf(new Set(this.#held.keys()));
    const want = { parcel: this.#offer.parcel, held, credit: CREDIT, echo, paused: false, onlySigned: false };
    this.#timer = setTimeout(() => this.#member.mind(this.#want()), REMINDER);
    await this.#member.say('want', want, { to: this.#from });
  }

  /** @param {number} milliseconds */
  #wantIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#member.mind(this.#want()), milliseconds);
  }
}
