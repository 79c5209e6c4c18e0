// Everything through a RabbitMQ cluster: the sender at one node, the receiver at the other.

import { after, before } from 'node:test';
import { carriesEverything } from '../lib/contents.mjs';
import { startRabbitMqCluster } from '../lib/rabbitmq.mjs';

/** @type {import('../lib/rabbitmq.mjs').Cluster} */
let cluster;

before(async () => {
  cluster = await startRabbitMqCluster();
});
after(() => cluster?.stop());

carriesEverything('RabbitMQ cluster', () => ({ broker: cluster.brokers[0] }), {
  version: 'MQTT 3.1.1',
  compresses: true,
  receiver: () => ({ broker: cluster.brokers[1] }),
});
