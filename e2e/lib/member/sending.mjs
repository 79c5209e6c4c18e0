// An honest sender of one parcel: what receivers lack goes out, and what got lost again.

import { blocksOf } from './messages.mjs';

/** A reminder is this old at least: nothing that was sent before it is still on its way. */
const REMINDER = 1_000_000;

/** A frame under way. @typedef {import('./parcel.mjs').Run & { sent: number }} Sent */

export class Sending {
  #member;
  #signs = false;
  /** What is under way, by receiver. @type {Map<string, Sent[]>} */
  #underWay = new Map();

  /**
   * @param {import('../member.mjs').Member} member
   * @param {import('./parcel.mjs').Parcel} parcel
   */
  constructor(member, parcel) {
    this.#member = member;
    this.parcel = parcel;
  }

  /**
   * A receiver says what it holds.
   * @param {string} from
   * @param {import('./messages.mjs').Fields} want
   */
  async handleWant(from, { held, credit, echo, paused, onlySigned }) {
    this.#signs ||= onlySigned === true;
    if (paused) return;
    const { parcel } = this;
    const has = blocksOf(held);
    const lacks = new Set(parcel.blocks.keys());
    has.forEach((block) => lacks.delete(block));
    if (lacks.size === 0) {
      await this.#member.say('complete', { parcel: parcel.id, digestsHash: parcel.digestsHash }, { to: from });
      return;
    }
    const underWay = this.#stillUnderWay(from, echo);
    this.#underWay.set(from, underWay);
    for (const { first, count } of underWay) for (let block = first; block < first + count; block += 1) lacks.delete(block);
    let bytes = underWay.reduce((sum, run) => sum + this.#length(run), 0);
    /** @type {Promise<void>[]} */
    const publishing = [];
    for (const run of parcel.runs(lacks)) {
      bytes += this.#length(run);
      if (bytes > credit) break;
      const { sent, payload } = parcel.frame(run, this.#signs ? this.#member.identity.id : undefined);
      underWay.push({ ...run, sent });
      publishing.push(this.#member.publish(`d/${parcel.name}`, payload, 0));
    }
    await Promise.all(publishing);
  }

  /**
   * What was sent after the frame that a receiver echoes; what was sent before arrived or is lost.
   * @param {string} from
   * @param {Map<number, number> | undefined} echo
   */
  #stillUnderWay(from, echo) {
    if (!echo || Number(echo.get(1)) >= REMINDER) return [];
    const underWay = this.#underWay.get(from) ?? [];
    return underWay.slice(underWay.findIndex(({ sent }) => sent === echo.get(0)) + 1);
  }

  /** @param {import('./parcel.mjs').Run} run */
  #length({ first, count }) {
    return this.parcel.blocks.slice(first, first + count).reduce((sum, block) => sum + block.length, 0);
  }
}
