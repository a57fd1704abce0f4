import type { EpochMs } from "../../core/clock.ts";
import { invariant } from "../../core/invariant.ts";
import type { JobNumber, JobShape } from "../../core/job.ts";
import { isCallersNumber } from "../../core/job-id.ts";
import { DROPS_MAX, KEEP_DROPPED_MS } from "../../core/limits.ts";
import type { AddAnswer, AddGroup, AddOutcome } from "../store.ts";
import type { JobTable } from "./job-table.ts";
import type { MemoryQueue } from "./memory-queue.ts";
import type { OwnerTable } from "./owner-table.ts";
import { endOf } from "./settle-jobs.ts";

const ADDED: AddOutcome = { kind: "added" };
const NUMBER_TAKEN: AddOutcome = { kind: "numberTaken" };

/** What adding needs to see of the store. */
export interface AddScene {
  readonly jobs: JobTable;
  readonly owners: OwnerTable;
  readonly wallNow: EpochMs;
}

/** A group on its way in, with what an atomic one has been promised but not stored yet. */
interface Admission extends AddScene {
  readonly shape: JobShape;
  readonly queue: MemoryQueue;
  readonly group: AddGroup;
  /** Payloads by number, of jobs that go in if all do. */
  readonly promised: Map<JobNumber, string>;
}

/** Called for every group before any is added, because nothing may be added when one is wrong. */
export function checkGroup({ shape, ids, payloads, capacity }: AddGroup): void {
  const { priority } = shape;
  invariant(ids.length === payloads.length, "a group has one payload per id");
  invariant(
    ids.every((id) => Number.isSafeInteger(id) && id > 0),
    "a job number is whole and positive",
  );
  invariant(Number.isInteger(priority) && priority >= 0 && priority <= 9, "a priority is 0 to 9");
  invariant(capacity === null || capacity > 0, "a capacity is positive");
}

export function addGroup(scene: AddScene, group: AddGroup): AddAnswer {
  const queue = scene.jobs.openQueue(group.shape.queue);
  if (queue === undefined) return group.ids.map(() => ({ kind: "tooManyQueues" }) as const);
  if (group.capacity !== null) queue.capacity = group.capacity;

  const admission = {
    ...scene,
    shape: { ...group.shape },
    group,
    queue,
    promised: new Map<JobNumber, string>(),
  };
  const refusal = group.atomic ? firstRefusal(admission, group) : undefined;
  if (refusal === undefined) return addEach(admission, group);
  if (refusal.kind === "full" && mayDrop(group, refusal) === "drop-newest") {
    return dropWhole(admission, group);
  }
  // Nothing of the group is stored, so that "added" or "exists" would be a lie for any of it.
  return group.ids.map(() => refusal);
}

/** The group's overflow policy, where somebody consumes the queue. */
function mayDrop({ overflow }: AddGroup, { hasConsumer }: FullOutcome): AddGroup["overflow"] {
  return hasConsumer ? overflow : "refuse";
}

type FullOutcome = AddOutcome & { readonly kind: "full" };

function addEach(admission: Admission, { ids, payloads }: AddGroup): AddAnswer {
  const { jobs, shape, queue, wallNow } = admission;
  const outcomes: AddOutcome[] = [];
  let isAllAdded = true;
  for (const [index, id] of ids.entries()) {
    const payload = payloads[index] ?? "";
    const judged = judge(admission, id, payload);
    const outcome =
      judged.kind === "full" ? addToFull(admission, { id, payload, full: judged }) : judged;
    if (outcome === ADDED) jobs.insert({ id, shape, payload, queue }, wallNow);
    else isAllAdded = false;
    outcomes.push(outcome);
  }
  return isAllAdded ? "added" : outcomes;
}

/** A job that is not stored yet and finds no room. */
function addToFull(
  admission: Admission,
  {
    id,
    payload,
    full,
  }: { readonly id: JobNumber; readonly payload: string; readonly full: FullOutcome },
): AddOutcome {
  const { group, jobs, shape, queue, wallNow } = admission;
  const policy = mayDrop(group, full);
  if (policy === "drop-newest") return storeDropped(admission, id, payload);
  const excess = 1 + queue.waitingCount - queue.capacity;
  if (policy !== "drop-oldest" || !canDisplace(group, excess, queue)) return full;
  const dropped: JobNumber[] = [];
  for (
    let oldest = queue.oldestWaiting();
    dropped.length < excess;
    oldest = queue.oldestWaiting()
  ) {
    invariant(oldest !== undefined, "a full queue has waiting jobs");
    jobs.move(oldest, "drop", { end: endOf(wallNow, KEEP_DROPPED_MS) });
    dropped.push(oldest.id);
  }
  jobs.insert({ id, shape, payload, queue }, wallNow);
  return { kind: "displaced", capacity: queue.capacity, dropped };
}

/** A group larger than the queue would drop its own first jobs. */
function canDisplace({ atomic, ids }: AddGroup, excess: number, queue: MemoryQueue): boolean {
  return excess <= DROPS_MAX && (!atomic || ids.length <= queue.capacity);
}

/** Stores a job as dropped, so that whoever was told its number can ask what became of it. */
function storeDropped(
  { jobs, shape, queue, wallNow }: Admission,
  id: JobNumber,
  payload: string,
): AddOutcome {
  const job = jobs.insert({ id, shape, payload, queue }, wallNow);
  jobs.move(job, "drop", { end: endOf(wallNow, KEEP_DROPPED_MS) });
  return { kind: "dropped", capacity: queue.capacity };
}

/** Nothing of an atomic group goes in: what is new of it is dropped. */
function dropWhole(admission: Admission, { ids, payloads }: AddGroup): AddOutcome[] {
  // They are added again together, so none of them may be stored before.
  const isAnyTaken = ids.some(
    (id, index) => judge(admission, id, payloads[index] ?? "") === NUMBER_TAKEN,
  );
  if (isAnyTaken) return ids.map(() => NUMBER_TAKEN);
  return ids.map((id, index) => {
    const payload = payloads[index] ?? "";
    const outcome = judge(admission, id, payload);
    const isNew = outcome === ADDED || outcome.kind === "full";
    return isNew ? storeDropped(admission, id, payload) : outcome;
  });
}

/** Why an atomic group cannot go in whole, found without changing anything. */
function firstRefusal(admission: Admission, group: AddGroup): AddOutcome | undefined {
  const { ids, payloads } = group;
  const { promised, queue } = admission;
  let displacedCount = 0;
  try {
    for (const [index, id] of ids.entries()) {
      const payload = payloads[index] ?? "";
      const outcome = judge(admission, id, payload);
      if (outcome.kind === "full") {
        const excess = 1 + queue.waitingCount + promised.size - displacedCount - queue.capacity;
        if (mayDrop(group, outcome) !== "drop-oldest" || !canDisplace(group, excess, queue))
          return outcome;
        displacedCount += Math.max(0, excess);
      } else if (outcome !== ADDED) {
        if (outcome.kind !== "exists") return outcome;
        continue;
      }
      promised.set(id, payload);
    }
    return undefined;
  } finally {
    promised.clear();
  }
}

/** What is to happen to one job: its ids first, then its key, then the room. */
function judge(admission: Admission, id: JobNumber, payload: string): AddOutcome {
  const { jobs, owners, shape, queue, promised } = admission;
  const { task, key, callerId } = shape;
  const known = jobs.get(id) ?? (callerId === null ? undefined : jobs.byCallerId(callerId));
  if (known !== undefined) {
    const { id: found, shape: other } = known;
    if (other.callerId !== callerId && isCallersNumber({ id: found, ...other }))
      return NUMBER_TAKEN;
    const isSame = known.shape.task === task && known.payload === payload;
    return isSame
      ? { kind: "exists", id: known.id }
      : { kind: "taken", id: known.id, task: known.shape.task };
  }
  const inGroup = promisedNamesake(admission, id);
  if (inGroup !== undefined) {
    const isSame = inGroup.payload === payload;
    return isSame ? { kind: "exists", id: inGroup.id } : { kind: "taken", id: inGroup.id, task };
  }
  const [promisedId] = promised.keys();
  const holderId = key === null ? undefined : (jobs.byKey(task, key)?.id ?? promisedId);
  if (holderId !== undefined) return { kind: "exists", id: holderId };
  if (queue.waitingCount + promised.size < queue.capacity) return ADDED;
  return { kind: "full", capacity: queue.capacity, ...owners.consumersOf(queue.name) };
}

/** A job earlier in the same atomic group that has this number or this caller's id. */
function promisedNamesake(
  { shape, promised }: Admission,
  id: JobNumber,
): { readonly id: JobNumber; readonly payload: string } | undefined {
  if (promised.size === 0) return undefined;
  const payload = promised.get(id);
  if (payload !== undefined) return { id, payload };
  const [first] = promised;
  return shape.callerId === null || first === undefined
    ? undefined
    : { id: first[0], payload: first[1] };
}
