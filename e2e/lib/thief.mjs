// Somebody who takes the place of a device at the broker, as two with one client id do.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connectAsync } from 'mqtt';
import { inTime } from './in-time.mjs';

/** MQTT 5: another connection has the same client id. */
const SESSION_TAKEN_OVER = 0x8e;

/**
 * Connects with the client id of a device, whose connection ends by that.
 * @param {import('./scenario.mjs').Stage} stage
 * @param {import('./station.mjs').Station} station
 * @param {string} clientId
 * @param {boolean} clean whether the device's session is forgotten; else what was meant for it is heard
 */
export async function takePlace(stage, station, clientId, clean) {
  const thief = await connectAsync(station.observerUrl, { clientId, clean, protocolVersion: 5, reconnectPeriod: 0 });
  await stage.use(Promise.resolve({ stop: () => thief.endAsync(true) }));
  const disconnected = once(/** @type {import('node:events').EventEmitter} */ (/** @type {unknown} */ (thief)), 'disconnect');
  // Whoever does not wait for it need not hear how else the connection ended.
  disconnected.catch(() => {});
  return {
    /** Waits until the device has its place back. */
    async takenBack() {
      const [{ reasonCode }] = await inTime(disconnected, 30_000, 'taking the connection back');
      assert.equal(reasonCode, SESSION_TAKEN_OVER);
    },
  };
}
