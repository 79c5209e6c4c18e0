// RabbitMQ with Web MQTT, one node or a cluster of two, from Debian's rabbitmq-server: MQTT 3.1.1 only.

import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, portAnswers, start, stop } from './processes.mjs';

/** The script itself: Debian's `rabbitmq-server` command would change to the system's user and folders. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Erlang needs its time, more on a busy machine. */
const PATIENCE = 120_000;

/**
 * Two nodes that are one broker.
 * @typedef {object} Cluster
 * @property {[string, string]} brokers the WebSocket address of each
 * @property {string[]} said what the first has logged so far
 * @property {() => Promise<void>} stop
 */

/**
 * What the nodes have in common.
 * @typedef {{ folder: string, nodes: string[], settings: string[], env: Record<string, string> }} Common
 */

/** @returns {Promise<Cluster>} */
export async function startRabbitMqCluster() {
  const { started, stop: stopAll } = await startNodes(['one', 'two']);
  const [one, two] = /** @type {[Node, Node]} */ (started);
  return { brokers: [one.broker, two.broker], said: one.program.said, stop: stopAll };
}

/**
 * One node.
 * @param {{ compresses?: boolean }} [options] whether it compresses WebSocket messages, as it does by default
 * @returns {Promise<{ broker: string, said: string[], stop: () => Promise<void> }>}
 */
export async function startRabbitMq({ compresses = true } = {}) {
  const { started, stop: stopAll } = await startNodes(['one'], [`web_mqtt.ws_opts.compress = ${compresses}`]);
  const [{ broker, program }] = /** @type {[Node]} */ (started);
  return { broker, said: program.said, stop: stopAll };
}

/**
 * @param {string[]} names
 * @param {string[]} [settings] more lines of their configuration
 * @returns {Promise<{ started: Node[], stop: () => Promise<void> }>}
 */
async function startNodes(names, settings = []) {
  const folder = await mkdtemp(join(tmpdir(), 'mqdrop-rabbitmq-'));
  // Nodes find each other by a port mapper; with one of our own they meet nobody else's.
  const mapperPort = await freePort();
  const env = { ERL_EPMD_PORT: String(mapperPort), ERL_EPMD_ADDRESS: '127.0.0.1' };
  const mapper = await start('epmd', ['-port', String(mapperPort), '-address', '127.0.0.1'], () => true);
  await portAnswers(mapperPort);
  const nodes = names.map((name) => `${name}-${mapperPort}@localhost`);
  const common = { folder, nodes, settings, env: { ...env, RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopbackWith(randomUUID()) } };
  /** @type {Node[]} */
  const started = [];
  try {
    // One after the other, because the second joins the first.
    for (const node of nodes) started.push(await startNode(node, common));
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { started, stop: stopAll };

  async function stopAll() {
    await Promise.all(started.map(({ program }) => stop(program)));
    await stop(mapper);
    await rm(folder, { recursive: true, force: true });
  }
}

/** @typedef {{ program: import('./processes.mjs').Program, broker: string }} Node */

/**
 * @param {string} name
 * @param {Common} common
 * @returns {Promise<Node>}
 */
async function startNode(name, { folder: parent, nodes, settings, env }) {
  const folder = join(parent, name);
  await mkdir(folder);
  const [amqp, plain, webSocket, between] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const config = [
    `listeners.tcp.default = 127.0.0.1:${amqp}`,
    `mqtt.listeners.tcp.default = 127.0.0.1:${plain}`,
    `web_mqtt.tcp.listener = 127.0.0.1:${webSocket}`,
    'log.console = true',
    'log.console.level = warning',
    'log.file = false',
    ...settings,
    'cluster_formation.peer_discovery_backend = classic_config',
    ...nodes.map((node, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${node}`),
  ];
  await writeFile(join(folder, 'rabbitmq.conf'), `${config.join('\n')}\n`);
  await writeFile(join(folder, 'plugins'), '[rabbitmq_mqtt,rabbitmq_web_mqtt].\n');
  const program = await start(SERVER, [], (line) => /completed with \d+ plugins/.test(line), PATIENCE, {
    ...env,
    HOME: folder,
    // Makes the script become the node instead of a parent of it, so that its pid is the node's.
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: String(between),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'no-environment'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
  });
  await portAnswers(webSocket);
  return { program, broker: `ws://127.0.0.1:${webSocket}/ws` };
}

/**
 * Erlang's options for talking among nodes of this computer that know a secret.
 * @param {string} secret
 */
function loopbackWith(secret) {
  return `-setcookie ${secret} -kernel inet_dist_use_interface {127,0,0,1}`;
}
