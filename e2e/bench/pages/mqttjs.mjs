// MQTT.js in its best setting: QoS 1, 64 KiB a message, four on their way at a time.

/* global mqtt */

/** Messages without acknowledgement at a time; with more, its browser stream starts to sleep. */
const IN_FLIGHT = 4;

/**
 * @param {{ broker: string, topic: string, total: number }} options
 * @returns {Promise<{ done: Promise<import('./raw.mjs').Mark[]>, finish: () => void }>}
 */
export async function receive({ broker, topic, total }) {
  const client = await connect(broker);
  let bytes = 0;
  /** @type {(marks: import('./raw.mjs').Mark[]) => void} */
  let end;
  /** @type {Promise<import('./raw.mjs').Mark[]>} */
  const done = new Promise((resolve) => (end = resolve));
  const finish = () => {
    end([{ bytes, at: now() }]);
    client.end(true);
  };
  client.on('message', (_topic, content) => {
    bytes += content.length;
    if (bytes >= total) finish();
  });
  await client.subscribeAsync(topic, { qos: 1 });
  return { done, finish };
}

/**
 * @param {{ broker: string, topic: string, total: number, length: number }} options
 * @returns {Promise<number>} when sending began, in milliseconds since 1970
 */
export async function send({ broker, topic, total, length: most }) {
  const client = await connect(broker);
  const content = new Uint8Array(most);
  crypto.getRandomValues(content.subarray(0, 65_536));
  const began = now();
  let sent = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (sent < total) {
        const length = Math.min(most, total - sent);
        sent += length;
        // In browsers it takes these.
        const part = /** @type {any} */ (content.subarray(0, length));
        await client.publishAsync(topic, part, { qos: 1 });
      }
    }),
  );
  await client.endAsync();
  return began;
}

/**
 * @param {string} broker
 * @returns {Promise<import('mqtt').MqttClient>}
 */
async function connect(broker) {
  // Its build for browsers is a plain script.
  await new Promise((resolve, reject) => {
    const script = document.createElement('script');
    Object.assign(script, { src: '/node_modules/mqtt/dist/mqtt.min.js', onload: resolve, onerror: reject });
    document.head.append(script);
  });
  const { mqtt } = /** @type {any} */ (window);
  return mqtt.connectAsync(broker, { protocolVersion: 4, reconnectPeriod: 0 });
}

/** Milliseconds since 1970, with fractions. */
function now() {
  return performance.timeOrigin + performance.now();
}
