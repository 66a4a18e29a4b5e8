// What a script tells the test that runs it: one JSON object a line.

export const url = process.env.ENGINE_URL;
export const key = process.env.ENGINE_KEY;

export function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** Tell of every server event, whatever the client makes of it. */
export function tellEvent(event) {
  tell({ event });
}

/** Wait for something that `listen` is told, at most `seconds`. */
export function until(what, listen, seconds = 20) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${what} did not come`)), seconds * 1000);
    listen((value) => {
      clearTimeout(late);
      resolve(value);
    });
  });
}

/** Wait for the next server event that matches, of an emitter of the agents SDK's transports. */
export function untilEvent(transport, matches, seconds) {
  const wanted = typeof matches === 'string' ? (event) => event.type === matches : matches;
  return until(String(matches), (found) => {
    const take = (event) => {
      if (wanted(event)) {
        transport.off('*', take);
        found(event);
      }
    };
    transport.on('*', take);
  }, seconds);
}

/** End the script once everything that was told is on its way. */
export function finish() {
  process.stdout.write(`${JSON.stringify({ done: true })}\n`, () => process.exit(0));
}
