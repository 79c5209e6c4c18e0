// Faults on the way, placed by a seed: the same seed puts them at the same bytes of each connection.

/** Where in the stream something goes wrong, and what. */
export class Faults {
  #kind;
  #every;
  #seed;

  /**
   * @param {'reset' | 'corrupt'} kind a connection ends there, or one bit of the byte is the wrong one
   * @param {number} every how many bytes lie between two faults, on average
   * @param {number} seed
   */
  constructor(kind, every, seed) {
    this.#kind = kind;
    this.#every = every;
    this.#seed = seed;
  }

  /**
   * The faults of one direction of one connection.
   * @param {number} number the how-manieth stream of bytes this is
   * @returns {(bytes: Buffer) => { bytes: Buffer, reset: boolean }} what becomes of the next bytes;
   *   after a reset nothing follows
   */
  stream(number) {
    const random = randomFrom(this.#seed * 1_000_003 + number);
    // Exponentially distributed: wherever one looks, the next fault is as far away as ever.
    const gap = () => Math.floor(-Math.log(1 - random()) * this.#every);
    let next = gap();
    return (bytes) => {
      let at = 0;
      while (next < bytes.length - at) {
        at += next;
        if (this.#kind === 'reset') return { bytes: bytes.subarray(0, at), reset: true };
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
        at += 1;
        next = gap();
      }
      next -= bytes.length - at;
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
