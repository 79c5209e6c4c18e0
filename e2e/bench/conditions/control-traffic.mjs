// What is said about a transfer, beside what is sent: bytes of topics and payloads, as a broker sees them.

import { connectAsync } from 'mqtt';
import { MIB } from '../../lib/files.mjs';
import { inTime } from '../../lib/in-time.mjs';
import { offer } from '../app.mjs';

const SIZE = 256 * MIB;

/** What the subscriber tells itself last. */
const END = 'bench/end';
/** How long that may take, in milliseconds. */
const PATIENCE = 30_000;

/** @type {import('../conditions.mjs').Measure} */
export async function controlTraffic(course) {
  const client = await connectAsync(course.station.observerUrl, { reconnectPeriod: 0 });
  try {
    const seen = { data: 0, control: 0 };
    const ended = new Promise((resolve) => {
      client.on('message', (topic, payload) => {
        if (topic === END) resolve(undefined);
        else seen[topic.includes('/d/') ? 'data' : 'control'] += Buffer.byteLength(topic) + payload.length;
      });
    });
    const transfer = await offer(course, 'control.bin', SIZE);
    await client.subscribeAsync('#', { qos: 0 });
    await transfer.run();
    // Until then there may be more in the station's queue.
    await client.publishAsync(END, '');
    await inTime(ended, PATIENCE, 'what the subscriber tells itself');
    await transfer.end();
    return { rows: [{ condition: 'control traffic at full rate, of the data', seen: inWords(seen), target: '≤ 1 %' }] };
  } finally {
    await client.endAsync(true);
  }
}

/** @param {{ data: number, control: number }} seen in bytes */
function inWords({ data, control }) {
  const share = `${((control / data) * 100).toFixed(2)} %`;
  // The station drops data for a subscriber that falls behind.
  return data < SIZE ? `${share} (the subscriber missed ${(100 - (data / SIZE) * 100).toFixed(0)} % of the data)` : share;
}
