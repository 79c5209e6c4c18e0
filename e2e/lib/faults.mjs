// Faults on the way, as a seed rolls the dice. How bytes fall into chunks is up to the system, so the
// same seed makes the same kind of bad day, not the same one to the byte.

/** What goes wrong, and how often. */
export class Faults {
  /** How many there were so far. */
  happened = 0;
  #kind;
  #share;
  #seed;

  /**
   * @param {'reset' | 'corrupt'} kind the connection ends in the middle of a chunk, or one bit of it is
   *   the wrong one. A chunk is what the system hands over at once: 64 KiB, or what a peer wrote if less
   * @param {number} share of all chunks, from 0 to 1
   * @param {number} seed
   */
  constructor(kind, share, seed) {
    this.#kind = kind;
    this.#share = share;
    this.#seed = seed;
  }

  /**
   * The faults of one direction of one connection.
   * @param {number} number which stream of bytes this is
   * @returns {(bytes: Buffer) => { bytes: Buffer, reset: boolean }} what becomes of a chunk; after a reset
   *   nothing follows
   */
  stream(number) {
    const random = randomFrom(this.#seed * 1_000_003 + number);
    return (bytes) => {
      if (random() >= this.#share) return { bytes, reset: false };
      this.happened += 1;
      const at = Math.floor(random() * bytes.length);
      if (this.#kind === 'reset') return { bytes: bytes.subarray(0, at), reset: true };
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
      return { bytes, reset: false };
    };
  }
}

/** The seed of this run: `MQDROP_SEED`, else another one each time. */
export function seedOfRun() {
  const given = process.env.MQDROP_SEED;
  if (given === undefined) return Math.floor(Math.random() * 2 ** 31);
  if (!/^\d{1,10}$/.test(given)) throw new Error(`MQDROP_SEED is a whole number of at most ten digits, not ${given}`);
  return Number(given);
}

/**
 * Numbers from 0 up to 1 that follow from a seed (mulberry32 by Tommy Ettinger, public domain).
 * @param {number} seed
 * @returns {() => number}
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
