// What engines differ in, and what tests of them allow for.

/** What every browser may say when a connection breaks or is refused. */
export const SOCKET_FAILED = /WebSocket connection to .* failed|can’t establish a connection to the server|connection to ws:.* was interrupted/;

/**
 * Whether the engine gives the page file storage that outlives it.
 * @param {import('../room.mjs').Room} room
 */
export function hasFileStorage(room) {
  return room.page.evaluate(async () => {
    try {
      await navigator.storage.getDirectory();
      return true;
    } catch {
      return false;
    }
  });
}
