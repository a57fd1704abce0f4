import type { ClaimedJob, JobNumber, Lease } from "../core/job.ts";
import type { FreeSlots } from "./crew-member.ts";

/** Attempts that wait for a member of a crew, in the order in which they came. */
export class CrewLine {
  #jobs: ClaimedJob[] = [];
  /** Jobs that somebody waits for. */
  #preferred: ReadonlySet<JobNumber> = new Set();
  /** Jobs that are claimed only once there are members for them. */
  #expectedCount = 0;

  get jobs(): readonly ClaimedJob[] {
    return this.#jobs;
  }

  push(jobs: readonly ClaimedJob[]): void {
    this.#jobs.push(...jobs);
    this.#expectedCount = Math.max(0, this.#expectedCount - jobs.length);
  }

  prefer(ids: readonly JobNumber[]): void {
    this.#preferred = new Set(ids);
  }

  expect(count: number): void {
    this.#expectedCount = count;
  }

  /** The first that may run now: one that is waited for on a slot that was lent, else any. */
  take({ own, lent }: FreeSlots): ClaimedJob | undefined {
    if (this.#jobs.length === 0) return undefined;
    const isPreferred = ({ id }: ClaimedJob): boolean => this.#preferred.has(id);
    const preferred = this.#preferred.size === 0 ? -1 : this.#jobs.findIndex(isPreferred);
    if (own + lent > 0 && preferred >= 0) return this.#jobs.splice(preferred, 1)[0];
    return own > 0 ? this.#jobs.shift() : undefined;
  }

  /** Members that would find work on these slots, now or as soon as they stand. */
  wanted({ own, lent }: FreeSlots): number {
    const preferred = lent === 0 ? [] : this.#jobs.filter(({ id }) => this.#preferred.has(id));
    const onLent = Math.min(lent, preferred.length);
    return onLent + Math.min(own, this.#jobs.length + this.#expectedCount - onLent);
  }

  drop({ id, token }: Lease): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id || job.token !== token);
  }

  /** Empties it. */
  takeAll(): readonly ClaimedJob[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#expectedCount = 0;
    return jobs;
  }
}
