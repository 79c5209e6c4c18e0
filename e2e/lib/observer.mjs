// What a broker's owner can see: a plain MQTT client that subscribes to everything.

import { connectAsync } from 'mqtt';

/**
 * Everything a broker carried while it was watched.
 * @typedef {object} Observer
 * @property {{ topic: string, payload: Buffer }[]} messages
 * @property {(secret: string | Buffer) => string[]} findings where a secret shows, in plain, Base64,
 *   hexadecimal or UTF-16
 * @property {() => Promise<void>} stop
 */

/**
 * @param {import('./mosquitto.mjs').Broker | import('./station.mjs').Station} broker
 * @returns {Promise<Observer>}
 */
export async function observe(broker) {
  const login = 'login' in broker ? broker.login : undefined;
  const client = await connectAsync(broker.observerUrl, { ...login, reconnectPeriod: 0 });
  /** @type {{ topic: string, payload: Buffer }[]} */
  const messages = [];
  client.on('message', (topic, payload) => messages.push({ topic, payload }));
  await client.subscribeAsync('#', { qos: 1 });
  return {
    messages,
    findings: (secret) => findings(messages, Buffer.from(secret)),
    stop: () => client.endAsync(true),
  };
}

/**
 * @param {{ topic: string, payload: Buffer }[]} messages
 * @param {Buffer} secret
 */
function findings(messages, secret) {
  const text = secret.toString('utf8');
  const forms = [
    { form: 'plain', bytes: secret },
    { form: 'lower case', bytes: Buffer.from(text.toLowerCase()) },
    { form: 'UTF-16', bytes: Buffer.from(text, 'utf16le') },
    { form: 'hexadecimal', bytes: Buffer.from(secret.toString('hex')) },
    // Without its last letters, which depend on what follows.
    { form: 'Base64', bytes: Buffer.from(secret.toString('base64').slice(0, -4)) },
  ].filter(({ bytes }) => bytes.length > 3);
  return messages.flatMap(({ topic, payload }) =>
    forms
      .filter(({ bytes }) => payload.includes(bytes) || Buffer.from(topic).includes(bytes))
      .map(({ form }) => `${form} in ${topic}`),
  );
}
