import { describe, expect, it } from "vitest";
import {
  JOB_EVENTS,
  JOB_STATES,
  type JobEvent,
  type JobState,
  nextState,
} from "../../src/core/job-state.ts";
import type { JobShape, Lease, Outcome } from "../../src/core/job.ts";
import { LOSSES_MAX } from "../../src/core/limits.ts";
import {
  CANCEL,
  FAIL_FOR_GOOD,
  failForRetry,
  HAND_BACK,
  LOSE_LEASE,
  type OpenScene,
  type Scene,
  SUCCEED,
} from "./scene.ts";

const DUE_MS = 1_000;
const EXPIRE_MS = 5_000;

/**
 * Walks the table of job states cell by cell: every event is tried on a job in every state, and
 * an illegal one must leave the job as it was.
 */
export function stateFacts(open: OpenScene): void {
  for (const from of JOB_STATES) {
    describe(`a ${from} job`, () => {
      for (const event of JOB_EVENTS) {
        const to = nextState(from, event);
        it(to === undefined ? `ignores ${event}` : `becomes ${to} on ${event}`, async () => {
          await using scene = await open();
          const lease = await jobIn(scene, from, event);
          const before = await scene.job(lease.id);
          expect(before.state).toBe(from);

          await happen(scene, event, lease);

          const after = await scene.job(lease.id);
          expect(after.state).toBe(to ?? from);
          if (to === undefined) expect(after).toEqual(before);
        });
      }
    });
  }

  describe("a leased job", () => {
    it("becomes cancelled when its own attempt asks for it", async () => {
      await using scene = await open();
      const job = await scene.leasedJob();

      expect(await scene.settle(job, CANCEL)).toEqual([]);

      expect(await scene.job(job.id)).toMatchObject({ state: "cancelled", attempt: 1 });
    });
  });
}

/** A job in `state`, prepared so that `event` can strike it, and its last lease. */
async function jobIn(scene: Scene, state: JobState, event: JobEvent): Promise<Lease> {
  const wallNow = scene.clock.wallNow();
  const expireAt = event === "expire" ? wallNow + EXPIRE_MS : null;
  const shapes: Partial<Record<JobState, Partial<JobShape>>> = {
    scheduled: { runAt: wallNow + DUE_MS },
    expired: { expireAt: wallNow },
  };
  const id = await scene.addJob({ expireAt, ...shapes[state] });
  if (state === "scheduled" || state === "ready") return { id, token: 0 };
  if (state === "dropped") {
    await happen(scene, "drop", { id, token: 0 });
    return { id, token: 0 };
  }
  if (state === "expired") {
    await scene.wake();
    return { id, token: 0 };
  }
  // Lost so often that one more loss is one too many: poison is loseLease on such a job.
  const losses = event === "poison" ? LOSSES_MAX : 0;
  for (let loss = 0; loss < losses; loss++) await scene.settle(await scene.claimOne(), LOSE_LEASE);
  const { token } = await scene.claimOne();
  const ends: Partial<Record<JobState, Outcome>> = {
    done: SUCCEED,
    dead: FAIL_FOR_GOOD,
    cancelled: CANCEL,
  };
  const end = ends[state];
  if (end !== undefined) await scene.settle({ id, token }, end);
  return { id, token };
}

/** Makes `event` happen, as far as anybody can. */
async function happen(scene: Scene, event: JobEvent, lease: Lease): Promise<void> {
  const { clock } = scene;
  const happenings: Partial<Record<JobEvent, () => Promise<unknown>>> = {
    comeDue: () => wakeAfter(scene, DUE_MS),
    expire: () => wakeAfter(scene, EXPIRE_MS),
    claim: () => scene.claim({ limit: 10 }),
    succeed: () => scene.settle(lease, SUCCEED),
    failForRetry: () => scene.settle(lease, failForRetry(clock.wallNow() + DUE_MS)),
    failForGood: () => scene.settle(lease, FAIL_FOR_GOOD),
    handBack: () => scene.settle(lease, HAND_BACK),
    loseLease: () => scene.settle(lease, LOSE_LEASE),
    poison: () => scene.settle(lease, LOSE_LEASE),
    cancel: () => scene.cancel(lease.id),
    revive: () => scene.revive(lease.id),
    drop: () => overflow(scene),
  };
  await happenings[event]?.();
}

/** Drops all that waits, as far as it can be dropped: the queue has one place, and two jobs want it. */
async function overflow(scene: Scene): Promise<void> {
  await scene.addGroup({ shape: { task: "other" }, capacity: 1, overflow: "drop-oldest" });
  await scene.addGroup({ shape: { task: "other" }, overflow: "drop-oldest" });
}

function wakeAfter(scene: Scene, ms: number): Promise<unknown> {
  scene.clock.advance(ms);
  return scene.wake();
}
