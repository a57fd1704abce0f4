import * as fc from "fast-check";
import type { StoreOverflow } from "../../src/core/overflow.ts";

/**
 * One step, as plain data from a small world, so that steps meet: few ids, keys and names. Jobs and
 * leases are named by number and looked up when the step is done, which keeps shrinking simple.
 */
export type StoreCommand =
  | { readonly kind: "add"; readonly groups: readonly GroupPlan[] }
  | {
      readonly kind: "claim";
      readonly queue: string;
      readonly tasks: readonly string[];
      readonly limit: number;
      readonly suspects: "only" | "without" | null;
    }
  | { readonly kind: "settle"; readonly settlements: readonly SettlementPlan[] }
  | {
      readonly kind: "renew";
      readonly lease: number;
      readonly forMs: number;
      readonly progress: number | null;
    }
  | { readonly kind: "wake"; readonly isOwnerDead: boolean }
  | { readonly kind: "hasten"; readonly ids: readonly number[]; readonly inMs: number }
  | { readonly kind: "prune"; readonly doneCountMax: number }
  | { readonly kind: "cancel"; readonly ids: readonly number[] }
  | { readonly kind: "revive"; readonly ids: readonly number[] }
  | { readonly kind: "setPaused"; readonly queue: string; readonly paused: boolean }
  | { readonly kind: "wearOut"; readonly task: string }
  | { readonly kind: "advance"; readonly ms: number };

export interface GroupPlan {
  readonly queue: string;
  readonly task: string;
  readonly priority: number;
  readonly runInMs: number | null;
  readonly expireInMs: number | null;
  readonly key: string | null;
  readonly callerId: string | null;
  /** The caller gave the first number as an id of ours. */
  readonly isNumberGiven: boolean;
  readonly capacity: number | null;
  readonly atomic: boolean;
  readonly overflow: StoreOverflow;
  readonly jobs: readonly { readonly id: number; readonly payload: string }[];
}

export interface SettlementPlan {
  /** Counted from the newest. */
  readonly lease: number;
  readonly event: "succeed" | "failForRetry" | "failForGood" | "cancel" | "handBack" | "loseLease";
  readonly ms: number;
}

const id = fc.integer({ min: 1, max: 14 });
const ids = fc.array(id, { minLength: 1, maxLength: 3 });
const queue = fc.constantFrom("mail", "mail", "mail", "print");
const task = fc.constantFrom("send", "send", "draw");
const lease = fc.nat({ max: 8 });
/** Around the instants at which something happens: due, expired, lease over, dedupe over, kept. */
const ms = fc.constantFrom(0, 1, 49, 50, 14_999, 15_000, 60_000, 3_600_000);

const group: fc.Arbitrary<GroupPlan> = fc.record({
  queue,
  task,
  priority: fc.constantFrom(0, 0, 5, 9),
  runInMs: fc.constantFrom(null, null, null, -1, 0, 50, 100),
  expireInMs: fc.constantFrom(null, null, null, 0, 50, 20_000),
  key: fc.constantFrom(null, null, null, "k", "l"),
  callerId: fc.constantFrom(null, null, null, "mine", "yours"),
  isNumberGiven: fc.constantFrom(false, false, false, true),
  capacity: fc.constantFrom(null, null, 1, 3, 8),
  atomic: fc.boolean(),
  overflow: fc.constantFrom("refuse", "refuse", "drop-newest", "drop-oldest"),
  jobs: fc.array(fc.record({ id, payload: fc.constantFrom("1", "1", "2") }), { maxLength: 4 }),
});

const settlement: fc.Arbitrary<SettlementPlan> = fc.record({
  lease,
  event: fc.constantFrom(
    "succeed",
    "failForRetry",
    "failForGood",
    "cancel",
    "handBack",
    "loseLease",
  ),
  ms,
});

const add = fc.record({
  kind: fc.constant("add" as const),
  groups: fc.array(group, { minLength: 1, maxLength: 3 }),
});
const claim = fc.record({
  kind: fc.constant("claim" as const),
  queue,
  tasks: fc.constantFrom(
    ["send"],
    ["send"],
    ["draw"],
    ["send", "draw"],
    ["nobody", "send", "send"],
  ),
  limit: fc.nat({ max: 4 }),
  suspects: fc.constantFrom(null, null, "only", "without"),
});
const settle = fc.record({
  kind: fc.constant("settle" as const),
  settlements: fc.array(settlement, { minLength: 1, maxLength: 3 }),
});

export const storeCommand: fc.Arbitrary<StoreCommand> = fc.oneof(
  { weight: 6, arbitrary: add },
  { weight: 6, arbitrary: claim },
  { weight: 6, arbitrary: settle },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("renew" as const),
      lease,
      forMs: ms,
      progress: fc.constantFrom(null, 0, 0.5),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wake" as const),
      isOwnerDead: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hasten" as const), ids, inMs: ms }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("prune" as const),
      doneCountMax: fc.constantFrom(0, 1, 2, 100),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), ids }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("revive" as const), ids }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("setPaused" as const), queue, paused: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wearOut" as const), task }) },
);
