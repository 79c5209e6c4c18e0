// What control messages say, as CBOR: the table of docs/PROTOCOL.md.

import { decode, encode } from 'cborg';

/**
 * Messages and their fields, each at its number.
 * @type {[string, string[]][]}
 */
const MESSAGES = [
  ['hello', ['retired', 'hello', 'heard', 'card', 'notUsed', 'notUsed', 'former']],
  ['alive', ['retired', 'hello', 'heard', 'card', 'notUsed', 'notUsed', 'former']],
  ['gone', []],
  [
    'offer',
    [
      'parcel',
      'title',
      'bytes',
      'files',
      'manifestBytes',
      'manifestHash',
      'contentKey',
      'block',
      'isText',
      'isPaused',
      'parcelKey',
      'proof',
    ],
  ],
  ['seen', ['parcel', 'token']],
  ['want', ['parcel', 'held', 'credit', 'echo', 'paused', 'notUsed', 'onlySigned', 'token']],
  ['decline', ['parcel', 'reason', 'detail', 'token']],
  ['complete', ['parcel', 'digestsHash']],
  ['receipt', ['parcel', 'token']],
  ['cancel', ['parcel', 'reason', 'detail', 'token']],
  ['pause', ['parcel']],
  ['resume', ['parcel']],
  ['people', ['part', 'persons']],
];

/** The fields of a message by their names; what is not there is left out. @typedef {Record<string, any>} Fields */

/**
 * What an honest offer says, as far as a receiver needs it.
 * @typedef {{ parcel: Uint8Array, files: number, manifestBytes: number, manifestHash: Uint8Array, contentKey: Uint8Array, parcelKey: Uint8Array }} Offer
 */

/**
 * @param {number | bigint} counter
 * @param {string} name
 * @param {Fields} fields
 */
export function encodeMessage(counter, name, fields) {
  const number = MESSAGES.findIndex(([each]) => each === name);
  const names = MESSAGES[number]?.[1] ?? [];
  const present = names.map((field, key) => /** @type {const} */ ([key, fields[field]])).filter(([, value]) => value !== undefined);
  // A message without fields has no list of them either.
  const body = names.length > 0 ? [new Map(present)] : [];
  return encode(new Map(/** @type {[number, any][]} */ ([[0, counter], [1, [number, body]]])));
}

/**
 * @param {Uint8Array} bytes
 * @returns {{ counter: number, name: string, fields: Fields }}
 */
export function decodeMessage(bytes) {
  const message = decode(bytes, { useMaps: true });
  const [number, [values = new Map()]] = message.get(1);
  const [name, names] = MESSAGES[number] ?? [`number ${number}`, []];
  const fields = names.map((field, key) => [field, values.get(key)]).filter(([, value]) => value !== undefined);
  return { counter: message.get(0), name, fields: Object.fromEntries(fields) };
}

/** That a list of held blocks is whole. */
const WHOLE = 2 ** 32 - 1;

/**
 * Blocks as a want lists them: gaps and runs in turn.
 * @param {Set<number>} blocks
 */
export function listOf(blocks) {
  /** @type {number[]} */
  const lengths = [];
  let end = 0;
  for (const block of [...blocks].sort((a, b) => a - b)) {
    if (block === end && lengths.length > 0) lengths[lengths.length - 1] += 1;
    else lengths.push(block - end, 1);
    end = block + 1;
  }
  return new Map(/** @type {[number, any][]} */ ([[0, lengths], [1, WHOLE]]));
}

/**
 * The blocks that a want lists.
 * @param {Map<number, any>} list
 */
export function blocksOf(list) {
  /** @type {Set<number>} */
  const blocks = new Set();
  let at = 0;
  list.get(0).forEach((/** @type {number} */ length, /** @type {number} */ place) => {
    if (place % 2 === 1) for (let block = at; block < at + length; block += 1) blocks.add(block);
    at += length;
  });
  return blocks;
}
