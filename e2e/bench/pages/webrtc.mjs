// A WebRTC data channel between two pages, as most that send files without a server in between use it:
// messages of 64 KiB, and more of them whenever little is left of what the browser holds.

/** A message, in bytes. */
const LENGTH = 65_536;
/** Sending pauses with more than this in the browser, and goes on with less than a quarter of it. */
const MOST_BUFFERED = 4 * 1024 * 1024;

/**
 * Begins on the sender's side.
 * @param {{ total: number, seconds: number }} options `seconds`: ends after these, if it is not done before
 * @returns {Promise<{ description: string, answered: (description: string) => Promise<number> }>}
 *   `answered` sends, and returns when that began, in milliseconds since 1970
 */
export async function send({ total, seconds }) {
  const connection = new RTCPeerConnection();
  const channel = connection.createDataChannel('bench');
  channel.bufferedAmountLowThreshold = MOST_BUFFERED / 4;
  const opened = new Promise((resolve, reject) => {
    channel.onopen = resolve;
    channel.onerror = reject;
  });
  await connection.setLocalDescription();
  const description = await described(connection);
  const answered = async (/** @type {string} */ text) => {
    await connection.setRemoteDescription(JSON.parse(text));
    await opened;
    const message = crypto.getRandomValues(new Uint8Array(LENGTH));
    const began = now();
    for (let sent = 0; sent < total && now() - began < seconds * 1000; sent += LENGTH) {
      if (channel.bufferedAmount > MOST_BUFFERED) await new Promise((resolve) => (channel.onbufferedamountlow = resolve));
      channel.send(message.subarray(0, Math.min(LENGTH, total - sent)));
    }
    return began;
  };
  return { description, answered };
}

/**
 * Answers on the receiver's side.
 * @param {{ total: number, description: string }} options
 * @returns {Promise<{ description: string, done: Promise<Mark[]>, finish: () => void }>}
 */
export async function receive({ total, description }) {
  const connection = new RTCPeerConnection();
  let bytes = 0;
  /** @type {(marks: Mark[]) => void} */
  let end;
  /** @type {Promise<Mark[]>} */
  const done = new Promise((resolve) => (end = resolve));
  const finish = () => end([{ bytes, at: now() }]);
  connection.ondatachannel = ({ channel }) => {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      bytes += data.byteLength;
      if (bytes >= total) finish();
    };
  };
  await connection.setRemoteDescription(JSON.parse(description));
  await connection.setLocalDescription();
  return { description: await described(connection), done, finish };
}

/** @typedef {import('./raw.mjs').Mark} Mark */

/**
 * The description with all addresses in it, so that none has to follow.
 * @param {RTCPeerConnection} connection
 */
async function described(connection) {
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => connection.addEventListener('icegatheringstatechange', resolve, { once: true }));
  }
  return JSON.stringify(connection.localDescription);
}

/** Milliseconds since 1970, with fractions. */
function now() {
  return performance.timeOrigin + performance.now();
}
