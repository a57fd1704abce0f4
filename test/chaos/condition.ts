/** How often a condition in another process is looked at. */
const LOOK_MS = 5;

/** Resolves once `look` answers something other than `undefined`; rejects, by name, after `withinMs`. */
export function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  withinMs = 20_000,
): Promise<T> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const tick = async (): Promise<void> => {
      const found = await look();
      if (found !== undefined) resolve(found);
      else if (performance.now() - since > withinMs)
        reject(new Error(`it did not come true within ${withinMs} ms that ${what}`));
      else setTimeout(() => void tick().catch(reject), LOOK_MS);
    };
    tick().catch(reject);
  });
}
