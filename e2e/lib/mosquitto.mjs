// Debian's mosquitto: MQTT 5 and 3.1.1 over WebSockets, TCP and TLS, with a login if wanted.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './certificates.mjs';
import { freePort, portAnswers, start, stop } from './processes.mjs';

/**
 * A broker to test against.
 * @typedef {object} Broker
 * @property {string} broker its WebSocket address
 * @property {string} observerUrl where a plain MQTT client connects
 * @property {() => Promise<void>} stop
 * @property {{ username: string, password: string }} [login]
 * @property {string[]} [said] what it has logged so far
 * @property {() => Promise<void>} [kill] without any warning (SIGKILL)
 * @property {() => Promise<void>} [restart] on the same ports, all sessions forgotten
 */

/**
 * Where it speaks TLS: at `open` with everyone, at `closed` with those that show a certificate by its authority.
 * @typedef {object} Secure
 * @property {string} open
 * @property {string} closed
 * @property {string} authority a PEM file
 * @property {import('./certificates.mjs').Certified} client lets a client in at `closed`
 */

/**
 * @param {object} [options]
 * @param {{ username: string, password: string }} [options.login] asked of every client
 * @param {number} [options.maxPacket] in bytes; over WebSockets announced, but not enforced
 * @returns {Promise<Broker & { secure: Secure, kill: () => Promise<void>, restart: () => Promise<void> }>}
 */
export async function startMosquitto({ login, maxPacket } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'mqdrop-mosquitto-'));
  const [webSocket, plain, open, closed] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const { authority, server, client } = await makeCertificates(folder);
  const tls = [`cafile ${authority.certificate}`, `certfile ${server.certificate}`, `keyfile ${server.key}`];
  const lines = [
    // Started as root it would otherwise lose its right to read this folder.
    'user root',
    'persistence false',
    'log_dest stderr',
    // Names each client's protocol version.
    'log_type notice',
    'log_type information',
    'set_tcp_nodelay true',
    `listener ${plain} 127.0.0.1`,
    `listener ${webSocket} 127.0.0.1`,
    'protocol websockets',
    `listener ${open} 127.0.0.1`,
    ...tls,
    `listener ${closed} 127.0.0.1`,
    ...tls,
    'require_certificate true',
  ];
  if (maxPacket) lines.push(`max_packet_size ${maxPacket}`);
  if (login) {
    const passwords = join(folder, 'passwords');
    execFileSync('mosquitto_passwd', ['-b', '-c', passwords, login.username, login.password]);
    lines.push('allow_anonymous false', `password_file ${passwords}`);
  } else {
    lines.push('allow_anonymous true');
  }
  const config = join(folder, 'mosquitto.conf');
  await writeFile(config, `${lines.join('\n')}\n`);
  const command = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';
  const run = async () => {
    const program = await start(command, ['-c', config], (line) => line.includes(' running'));
    await Promise.all([webSocket, plain, open, closed].map((port) => portAnswers(port)));
    return program;
  };
  let program = await run();
  return {
    broker: `ws://127.0.0.1:${webSocket}/mqtt`,
    observerUrl: `mqtt://127.0.0.1:${plain}`,
    secure: {
      open: `mqtts://127.0.0.1:${open}`,
      closed: `mqtts://127.0.0.1:${closed}`,
      authority: authority.certificate,
      client,
    },
    login,
    said: program.said,
    kill: async () => void (await stop(program, 'SIGKILL')),
    restart: async () => {
      program = await run();
    },
    stop: async () => {
      await stop(program);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
