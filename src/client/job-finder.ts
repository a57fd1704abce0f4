import type { Clock, MonotonicMs } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber, JobRecord } from "../core/job.ts";
import { parseJobId } from "../core/job-id.ts";
import { idOf } from "../core/job-result.ts";
import { WAIT_MS_DEFAULT } from "../core/limits.ts";
import type { EngineClient } from "./engine-client.ts";
import type { HandleLink } from "./job-handle.ts";

/** Finds jobs by what users call them: an id of ours, or a caller's own. */
export class JobFinder {
  readonly #engine: EngineClient;
  readonly #clock: Clock;

  constructor(engine: EngineClient, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** For the second question of a call that asks two, the first at `since`. */
  leftMs(since: MonotonicMs): number {
    return Math.max(0, WAIT_MS_DEFAULT - (this.#clock.now() - since));
  }

  async find(id: string, waitMs: number = WAIT_MS_DEFAULT): Promise<JobRecord | undefined> {
    const ids = [parseJobId(id) ?? id];
    const [record] = await this.#engine.call({ name: "get", ids }, waitMs);
    return record;
  }

  /** @throws UNJAM_JOB_UNKNOWN */
  async numberOf(id: string, waitMs?: number): Promise<JobNumber> {
    const number = parseJobId(id) ?? (await this.find(id, waitMs))?.id;
    if (number === undefined) throw new UnjamError("UNJAM_JOB_UNKNOWN", { id });
    return number;
  }

  /** The numbers of those that there are, with the ids that they go by. */
  async numbersOf(ids: readonly string[]): Promise<Map<JobNumber, string>> {
    const wanted = ids.map((id) => parseJobId(id) ?? id);
    const records = await this.#engine.call({ name: "get", ids: wanted }, WAIT_MS_DEFAULT);
    return new Map(records.map((record) => [record.id, idOf(record)]));
  }

  /** How handles reach their jobs. `check` throws once the app is not open any more. */
  link(check: (what: string) => void): HandleLink {
    return {
      wait: async (id, { waitMs, signal }) => {
        check("job.result()");
        const since = this.#clock.now();
        const number = await this.numberOf(id, waitMs);
        return this.#engine.settled(number, { waitMs, signal, since });
      },
      find: async (id) => {
        check("job.status()");
        return this.find(id);
      },
      cancel: async (id) => {
        check("job.cancel()");
        const since = this.#clock.now();
        const ids = [await this.numberOf(id)];
        return (await this.#engine.call({ name: "cancel", ids }, this.leftMs(since))).length > 0;
      },
    };
  }
}
