/** A power of two. With a million entries a shard has 4,000, which are moved in 0.2 ms. */
const SHARD_COUNT = 256;
/** Ids and keys that belong together differ at their ends. */
const HASHED_CHARS_MAX = 24;

/**
 * A Map by text without the pause of a growing one: a Map that doubles moves every entry at once,
 * 0.2 s for a million. Shards are small and fill unevenly, so that they grow one at a time.
 */
export class TextMap<V> {
  readonly #shards: (Map<string, V> | undefined)[] = new Array<undefined>(SHARD_COUNT);

  get(text: string): V | undefined {
    return this.#shards[shardOf(text)]?.get(text);
  }

  set(text: string, value: V): void {
    const shard = shardOf(text);
    let map = this.#shards[shard];
    if (map === undefined) {
      map = new Map();
      this.#shards[shard] = map;
    }
    map.set(text, value);
  }

  delete(text: string): void {
    this.#shards[shardOf(text)]?.delete(text);
  }
}

/** FNV-1a over the end of the text. */
function shardOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, text.length - HASHED_CHARS_MAX); at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  // The low bits of FNV alone depend on the low bits of the characters only.
  return (hash ^ (hash >>> 15)) & (SHARD_COUNT - 1);
}
