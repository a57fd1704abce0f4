import { invariant } from "../../core/invariant.ts";
import type { JobNumber, JobShape } from "../../core/job.ts";
import { isCallersNumber } from "../../core/job-id.ts";
import {
  CONSUMER_GONE_MS,
  DROPS_MAX,
  KEEP_DROPPED_MS,
  LEASE_MS,
  QUEUE_CAPACITY_DEFAULT,
} from "../../core/limits.ts";
import type { AddAnswer, AddGroup, AddOutcome } from "../store.ts";
import { dropOldest } from "./drop-jobs.ts";
import { ROW_FORMAT, STATE_NUMBERS, SUSPECT_PRIORITY } from "./schema.ts";
import { pruneAt } from "./settle-jobs.ts";
import type { Transaction } from "./transaction.ts";

/** The common job binds 8 values, the one with delay, key or id binds 13: fewer binds are faster. */
const INSERT_PLAIN = `INSERT OR IGNORE INTO jobs(id, queue, task, state, priority, place, created_at, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_FULL = `INSERT OR IGNORE INTO jobs(id, queue, task, state, priority, place, created_at, payload,
run_at, expire_at, key, caller_id, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_DROPPED = `INSERT INTO jobs(id, queue, task, state, priority, place, created_at, payload,
run_at, expire_at, key, caller_id, extra, settled_at, prune_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
/** A job that is claimed by the same transaction: its first lease, token 1. */
const INSERT_LEASED = `INSERT OR IGNORE INTO jobs(id, queue, task, state, priority, place, token, owner, lease_until,
claimed_at, created_at, payload) VALUES (?, ?, ?, 2, 0, ?, 1, ?, ?, ?, ?, ?)`;
const ANY_READY = `SELECT 1 FROM jobs WHERE state = 1 AND queue = ? AND task = ?
AND format = ${ROW_FORMAT} AND priority < ${SUSPECT_PRIORITY} LIMIT 1`;
const FIND_ID = "SELECT id, task, payload, caller_id FROM jobs WHERE id = ?";
const FIND_CALLER_ID = "SELECT id, task, payload, caller_id FROM jobs WHERE caller_id = ?";
const FIND_KEY = "SELECT id FROM jobs WHERE task = ? AND key = ? AND state < 3";

const ADDED: AddOutcome = { kind: "added" };
const NUMBER_TAKEN: AddOutcome = { kind: "numberTaken" };

/** Where a group's jobs go, looked up once. */
interface Target {
  readonly queue: number;
  readonly task: number;
  readonly capacity: number;
  /** Jobs that still fit. Falls as jobs are added. */
  room: number;
  /** What a job is told that finds the queue full, once one did. */
  full: FullOutcome | undefined;
}

type FullOutcome = AddOutcome & { readonly kind: "full" };

/** Adds one group inside the transaction: the capacity is exact, because the writer is alone. */
export function addGroup(tx: Transaction, group: AddGroup): AddAnswer {
  const target = findTarget(tx, group);
  if (target === undefined) return group.ids.map(() => ({ kind: "tooManyQueues" }) as const);
  if (!group.atomic) return addEach(tx, group, target);
  const tried: { answer: AddAnswer; refusal?: AddOutcome | undefined } = { answer: "added" };
  tx.part(() => {
    tried.answer = addEach(tx, group, target);
    if (tried.answer !== "added") tried.refusal = tried.answer.find((one) => !isHarmless(one));
    return tried.refusal === undefined;
  });
  const { answer, refusal } = tried;
  return refusal === undefined ? answer : wholeRefused(tx, group, { target, refusal });
}

function isHarmless({ kind }: AddOutcome): boolean {
  return kind === "added" || kind === "exists" || kind === "displaced";
}

/** Nothing of an atomic group is in: dropped as a whole where that is its policy, else refused. */
function wholeRefused(
  tx: Transaction,
  group: AddGroup,
  { target, refusal }: { readonly target: Target; readonly refusal: AddOutcome },
): AddAnswer {
  const isDropped = refusal.kind === "full" && mayDrop(group, refusal) === "drop-newest";
  if (!isDropped) return group.ids.map(() => refusal);
  const all = group.ids.map((_, index) => oneOf(group, index, isLater(tx, group)));
  // They are added again together, so none of them may be stored before.
  if (all.some((one) => known(tx, target, one) === NUMBER_TAKEN))
    return all.map(() => NUMBER_TAKEN);
  return all.map((one) => known(tx, target, one) ?? storeDropped(tx, target, one));
}

/** The group's overflow policy, where somebody consumes the queue. */
function mayDrop({ overflow }: AddGroup, { hasConsumer }: FullOutcome): AddGroup["overflow"] {
  return hasConsumer ? overflow : "refuse";
}

function findTarget(tx: Transaction, { shape, capacity }: AddGroup): Target | undefined {
  const queue = tx.newQueueId(shape.queue);
  if (queue === undefined) return undefined;
  const storedCapacity = tx.capacity(queue);
  if (capacity !== null && capacity !== storedCapacity) tx.setCapacity(queue, capacity);
  const limit = capacity ?? storedCapacity ?? QUEUE_CAPACITY_DEFAULT;
  const room = limit - tx.waitingCount(queue);
  return { queue, task: tx.taskId(shape.task), capacity: limit, room, full: undefined };
}

function addEach(tx: Transaction, group: AddGroup, target: Target): AddAnswer {
  const { shape, ids, payloads } = group;
  invariant(ids.length === payloads.length, "a group has one payload per id");
  const isDelayed = isLater(tx, group);
  const add = shape.callerId === null && shape.key === null ? addPlain : addUnique;
  const canHandOver = !group.atomic && !isDelayed && isPlainShape(shape) && mayOvertake(tx, group);
  let outcomes: AddOutcome[] | undefined;
  let addedCount = 0;
  let leasedCount = 0;
  for (let index = 0; index < ids.length; index++) {
    const one = oneOf(group, index, isDelayed);
    if (canHandOver && target.room > 0 && handOver(tx, target, one)) {
      leasedCount++;
      outcomes?.push(ADDED);
      continue;
    }
    const outcome = add(tx, target, one);
    if (outcome === ADDED || outcome.kind === "displaced") addedCount++;
    if (outcome !== ADDED) outcomes ??= ids.slice(0, index).map(() => ADDED);
    outcomes?.push(outcome);
  }
  tx.count(target.queue, isDelayed ? "scheduled" : "ready", addedCount);
  tx.count(target.queue, "leased", leasedCount);
  return outcomes ?? "added";
}

function isLater(tx: Transaction, { shape: { runAt } }: AddGroup): boolean {
  return runAt !== null && runAt > tx.wallNow;
}

function oneOf(group: AddGroup, index: number, isDelayed: boolean): One {
  const { ids, payloads } = group;
  return { group, index, id: ids[index] ?? 0, payload: payloads[index] ?? "", isDelayed };
}

function isPlainShape({ priority, runAt, expireAt, key, callerId, extra }: JobShape): boolean {
  const hasDates = runAt !== null || expireAt !== null;
  return priority === 0 && !hasDates && key === null && callerId === null && extra === null;
}

/**
 * Whether a new job of first priority may be leased before it was ever ready: a claim waits for
 * it, and no job of the claim's tasks waits in front of it.
 */
function mayOvertake(tx: Transaction, { shape }: AddGroup): boolean {
  const offer = tx.handover.offerFor(shape.queue, shape.task);
  const queue = tx.existingQueueId(shape.queue);
  if (offer === undefined || queue === undefined || tx.isPaused(queue)) return false;
  if (tx.readyCount(queue) === 0) return true;
  return offer.slot.tasks.every((name) => {
    const task = tx.existingTaskId(name);
    return task === undefined || tx.connection.prepare(ANY_READY).get(queue, task) === undefined;
  });
}

/** Stores a job leased by the claim that waits for it. False when none has room, or the id is known. */
function handOver(tx: Transaction, target: Target, { group, id, payload }: One): boolean {
  const { queue, task } = group.shape;
  const offer = tx.handover.offerFor(queue, task);
  if (offer === undefined) return false;
  const lease = [tx.nextPlace(target.queue), offer.owner, Math.round(tx.now) + LEASE_MS] as const;
  const { changes } = tx.connection
    .prepare(INSERT_LEASED)
    .run(id, target.queue, target.task, ...lease, tx.wallNow, tx.wallNow, payload);
  if (changes !== 1) return false;
  offer.jobs.push({
    id,
    token: 1,
    queue,
    task,
    payload,
    attempt: 0,
    losses: 0,
    extra: null,
  });
  // It never waits, but while this call lasts it counts, as if it were claimed right after.
  target.room--;
  return true;
}

interface One {
  readonly group: AddGroup;
  readonly index: number;
  readonly id: JobNumber;
  readonly payload: string;
  readonly isDelayed: boolean;
}

/** Insert first, ask when it did not go in: a repeated id is rare, a new one is not. */
function addPlain(tx: Transaction, target: Target, one: One): AddOutcome {
  if (target.room <= 0) return existing(tx, target, one) ?? addToFull(tx, target, one);
  const { shape } = one.group;
  const place = tx.nextPlace(target.queue);
  const isPlain = shape.runAt === null && shape.expireAt === null && shape.extra === null;
  const state = one.isDelayed ? STATE_NUMBERS.scheduled : STATE_NUMBERS.ready;
  const { changes } = isPlain
    ? tx.connection
        .prepare(INSERT_PLAIN)
        .run(
          one.id,
          target.queue,
          target.task,
          state,
          shape.priority,
          place,
          tx.wallNow,
          one.payload,
        )
    : insertFull(tx, target, { ...one, place, state });
  if (changes === 1) {
    target.room--;
    return ADDED;
  }
  return existing(tx, target, one) ?? ADDED;
}

function addUnique(tx: Transaction, target: Target, one: One): AddOutcome {
  const found = known(tx, target, one);
  if (found !== undefined) return found;
  if (target.room <= 0) return addToFull(tx, target, one);
  insertNamed(tx, target, one);
  return ADDED;
}

function insertNamed(tx: Transaction, target: Target, one: One): void {
  const state = one.isDelayed ? STATE_NUMBERS.scheduled : STATE_NUMBERS.ready;
  insertFull(tx, target, { ...one, place: tx.nextPlace(target.queue), state });
  target.room--;
}

/** A job that is not stored yet and finds no room. */
function addToFull(tx: Transaction, target: Target, one: One): AddOutcome {
  const { group } = one;
  const { capacity } = target;
  const refused = (target.full ??= full(tx, target, group.shape.queue));
  const policy = mayDrop(group, refused);
  if (policy === "drop-newest" && !group.atomic) return storeDropped(tx, target, one);
  const excess = 1 - target.room;
  // A group larger than the queue would drop its own first jobs.
  const canFit = excess <= DROPS_MAX && (!group.atomic || group.ids.length <= capacity);
  if (policy !== "drop-oldest" || !canFit) return refused;
  const dropped = dropOldest(tx, target.queue, excess);
  target.room += dropped.length;
  if (target.room <= 0) return refused;
  insertNamed(tx, target, one);
  return { kind: "displaced", capacity, dropped };
}

/** Stores a job as dropped, so that whoever was told its number can ask what became of it. */
function storeDropped(tx: Transaction, target: Target, { group, id, payload }: One): AddOutcome {
  const { priority, runAt, expireAt, key, callerId, extra } = group.shape;
  const place = tx.nextPlace(target.queue);
  const { dropped } = STATE_NUMBERS;
  const row = [id, target.queue, target.task, dropped, priority, place, tx.wallNow, payload];
  const end = [tx.wallNow, pruneAt(tx, KEEP_DROPPED_MS)];
  tx.connection.prepare(INSERT_DROPPED).run(...row, runAt, expireAt, key, callerId, extra, ...end);
  tx.count(target.queue, "dropped", 1);
  tx.count(target.queue, "failed_total", 1);
  return { kind: "dropped", capacity: target.capacity };
}

function insertFull(
  tx: Transaction,
  target: Target,
  { group, id, payload, place, state }: One & { readonly place: number; readonly state: number },
): { readonly changes: number | bigint } {
  const { priority, runAt, expireAt, key, callerId, extra } = group.shape;
  const row = [id, target.queue, target.task, state, priority, place, tx.wallNow, payload] as const;
  return tx.connection.prepare(INSERT_FULL).run(...row, runAt, expireAt, key, callerId, extra);
}

/** The job that already has this id, or this key. */
function known(tx: Transaction, target: Target, one: One): AddOutcome | undefined {
  const { key } = one.group.shape;
  const found = existing(tx, target, one);
  if (found !== undefined || key === null) return found;
  const holder = tx.connection.prepare(FIND_KEY).get(target.task, key)?.["id"];
  return typeof holder === "number" ? { kind: "exists", id: holder } : undefined;
}

/** The job that already has this id: the same work repeated, or another's. */
function existing(
  tx: Transaction,
  target: Target,
  { group, id, payload }: One,
): AddOutcome | undefined {
  const { callerId } = group.shape;
  const row =
    tx.connection.prepare(FIND_ID).get(id) ??
    (callerId === null ? undefined : tx.connection.prepare(FIND_CALLER_ID).get(callerId));
  if (row === undefined) return undefined;
  const found = Number(row["id"]);
  const foundCallerId = typeof row["caller_id"] === "string" ? row["caller_id"] : null;
  if (foundCallerId !== callerId && isCallersNumber({ id: found, callerId: foundCallerId })) {
    return NUMBER_TAKEN;
  }
  if (row["task"] === target.task && row["payload"] === payload)
    return { kind: "exists", id: found };
  const task = tx.connection
    .prepare("SELECT name FROM tasks WHERE id = ?")
    .get(Number(row["task"]));
  return { kind: "taken", id: found, task: String(task?.["name"]) };
}

const CONSUMERS = `SELECT label, beat_at, left_at, reason FROM owners
WHERE EXISTS (SELECT 1 FROM json_each(owners.queues) WHERE value = ?) ORDER BY left_at IS NOT NULL, beat_at DESC, id DESC LIMIT 1`;

/** A full queue, with the one fact that decides whether waiting makes sense. */
function full(tx: Transaction, { capacity }: Target, queue: string): FullOutcome {
  const last = tx.connection.prepare(CONSUMERS).get(queue);
  if (last === undefined) return { kind: "full", capacity, hasConsumer: false, lastConsumer: null };
  const goneMs = Math.max(0, Math.round(tx.now - Number(last["beat_at"])));
  const hasConsumer = last["left_at"] === null && goneMs < CONSUMER_GONE_MS;
  const reason = typeof last["reason"] === "string" ? last["reason"] : "it stopped beating";
  const lastConsumer = hasConsumer ? null : { worker: String(last["label"]), goneMs, reason };
  return { kind: "full", capacity, hasConsumer, lastConsumer };
}
