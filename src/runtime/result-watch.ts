import type { JobNumber, JobRecord } from "../core/job.ts";
import { STATE_FACTS } from "../core/job-state.ts";
import type { Store } from "../store/store.ts";

/** Records asked for in one read. */
const LOOK_MAX = 500;

/**
 * Tells a client when the jobs it waits for are settled, by whomever: this process's own
 * settlements name their jobs; for the others' it looks again when the store has changed.
 */
export class ResultWatch {
  readonly #store: Store;
  readonly #watched = new Set<JobNumber>();
  readonly #tell: (records: readonly JobRecord[], gone: readonly JobNumber[]) => void;
  readonly #onError: (name: string, error: unknown) => void;

  constructor(options: {
    readonly store: Store;
    /** Settled jobs, and watched jobs that are not in the store. */
    readonly tell: (records: readonly JobRecord[], gone: readonly JobNumber[]) => void;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#tell = options.tell;
    this.#onError = options.onError;
  }

  get watched(): readonly JobNumber[] {
    return [...this.#watched];
  }

  get isWatching(): boolean {
    return this.#watched.size > 0;
  }

  watch(ids: readonly JobNumber[]): void {
    for (const id of ids) this.#watched.add(id);
    void this.#look(ids);
  }

  unwatch(ids: readonly JobNumber[]): void {
    for (const id of ids) this.#watched.delete(id);
  }

  /** These were settled here. */
  settled(ids: readonly JobNumber[]): void {
    if (this.#watched.size === 0) return;
    const watched = ids.filter((id) => this.#watched.has(id));
    if (watched.length > 0) void this.#look(watched);
  }

  /** Anything may have been settled by others. */
  lookAtAll(): void {
    if (this.#watched.size > 0) void this.#look([...this.#watched]);
  }

  async #look(ids: readonly JobNumber[]): Promise<void> {
    try {
      for (let start = 0; start < ids.length; start += LOOK_MAX) {
        const part = ids.slice(start, start + LOOK_MAX);
        this.#report(part, await this.#store.get(part));
      }
    } catch (error) {
      // They stay watched: the next change, or the waker's round, looks again.
      this.#onError("result watch", error);
    }
  }

  #report(ids: readonly JobNumber[], records: readonly JobRecord[]): void {
    const found = new Set(records.map(({ id }) => id));
    const gone = ids.filter((id) => !found.has(id) && this.#watched.has(id));
    const settled = records.filter(
      ({ id, state }) => STATE_FACTS[state].settled && this.#watched.has(id),
    );
    this.unwatch(gone);
    this.unwatch(settled.map(({ id }) => id));
    if (settled.length > 0 || gone.length > 0) this.#tell(settled, gone);
  }
}
