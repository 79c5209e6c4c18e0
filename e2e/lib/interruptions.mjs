// What can interrupt a transfer, on either side and at the broker.

import { BLOCK } from './member/parcel.mjs';
import { steady } from './steady.mjs';
import { takePlace } from './thief.mjs';

/** @typedef {import('./journey.mjs').Journey} Journey */

/**
 * What interrupts a transfer: after `stop` it stands still, after `goOn` everything works again. It
 * began when one of the two connections ended, or earlier where it says so.
 * @typedef {object} Interruption
 * @property {(journey: Journey) => Promise<unknown>} stop
 * @property {(journey: Journey) => Promise<unknown>} goOn
 * @property {boolean} [unnoticed] whether the sender is not told, and finds out by the silence
 * @property {boolean} [inATab] whether the sender must be in a tab that can be frozen
 */

/** @type {Record<string, Interruption>} */
export const INTERRUPTIONS = {
  "a freeze of the sender's tab": {
    inATab: true,
    stop: async ({ tabs, near, sender, received, interrupted }) => {
      await tabs?.freeze(sender.page);
      await steady(() => near.wire.published);
      interrupted();
      // The manifest is no content.
      await received.waitForMiddle(near.wire.published - BLOCK);
    },
    goOn: async ({ tabs, sender }) => tabs?.wake(sender.page),
  },
  "a takeover of the sender's connection": {
    stop: async ({ stage, station, near, sender }) => {
      near.proxy.refuse();
      await takePlace(stage, station, near.wire.clientIds[0], false);
      await sender.waitUntilNotOnline();
    },
    goOn: ({ near }) => near.proxy.open(),
  },
  "a crash of the sender's engine": {
    stop: async ({ stage, near, sender, sent, interrupted }) => {
      await sender.crash('engine');
      await sender.byId('error').waitFor();
      interrupted();
      await sender.reload();
      await sent.waitForState('waiting');
    },
    goOn: ({ sent, file }) => sent.byId('choose-again').setInputFiles(file.path),
  },
  "a reload of the sender's page": {
    stop: async ({ near, sender, sent }) => {
      await sender.reload();
      await sent.waitForState('waiting');
    },
    goOn: ({ sent, file }) => sent.byId('choose-again').setInputFiles(file.path),
  },
  'the sudden end of the broker': {
    stop: async ({ station, sender, receiver }) => {
      await station.kill();
      await Promise.all([sender.waitUntilNotOnline(), receiver.waitUntilNotOnline()]);
    },
    goOn: ({ station }) => station.restart(),
  },
  'silence at the receiver and then a cut': {
    unnoticed: true,
    stop: async ({ far, sent, interrupted }) => {
      far.proxy.blackHole();
      interrupted();
      await sent.waitForReceiver('Bo', 'waiting');
    },
    goOn: async ({ far }) => {
      far.proxy.cut();
      far.proxy.heal();
    },
  },
  "a reload of the receiver's page": {
    unnoticed: true,
    stop: async ({ far, receiver, received }) => {
      await receiver.reload();
      await received.waitForState('paused');
    },
    goOn: ({ received }) => received.press('resume'),
  },
};
