/**
 * What the main thread has for the engine, gathered by turn: new jobs, ends of attempts, progress.
 * Jobs enqueued alike in one turn travel as one group of columns.
 *
 * Each group is kept until it is answered. When the engine dies, the groups are sent again with
 * the same ids, so nothing is stored twice; at its deadline a caller is told that the outcome is
 * unknown, never that it failed.
 *
 * A job whose number a caller has written as the id of another one goes again under a new number,
 * which is drawn here and not where the jobs are stored: so it is kept when the engine dies, and
 * sent again with the group. Nobody has been told the old number by then.
 */
import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { DeadlineLanes } from "../core/deadline-lanes.ts";
import type { AddOrder } from "../core/enqueue-order.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { ANSWER_MS_MIN, ANSWER_SLACK_MS } from "../core/limits.ts";
import { NumberMap } from "../core/number-map.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { storeOverflow } from "../core/overflow.ts";
import { addRefusal } from "../runtime/add-refusal.ts";
import type {
  Added,
  AddedMessage,
  AddRequest,
  EndMessage,
  ProgressMessage,
  ToEngine,
} from "../runtime/messages.ts";
import type { LocalWait } from "./open-waits.ts";
import { forgetAnswered, noteAnswer, type PendingGroup } from "./pending-group.ts";

/** A group this large is sent in the middle of a turn, so that the store can begin with it. */
const GROUP_MAX = 256;

/** What a caller gets for its job: `stored` differs from `id` when the job existed already. */
export type ToAnswer<Answer> = (stored: JobNumber, id: JobNumber, order: AddOrder) => Answer;

export interface OutboxPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Draws job numbers that were never drawn before. */
  readonly draw: (count: number) => Promise<readonly JobNumber[]>;
}

export class Outbox<Answer> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #draw: OutboxPorts["draw"];
  readonly #send: (message: ToEngine) => void;
  readonly #toAnswer: ToAnswer<Answer>;
  readonly #pending = new NumberMap<PendingGroup<Answer>>();
  readonly #deadlines = new DeadlineLanes<PendingGroup<Answer>>(({ isAnswered }) => isAnswered);
  #open = new Map<AddOrder, PendingGroup<Answer>>();
  #lastOpen: PendingGroup<Answer> | undefined;
  #adds: AddRequest[] = [];
  #returnedIds: JobNumber[] = [];
  #returnedTokens: number[] = [];
  #results: (string | null)[] | null = null;
  #ends: EndMessage[] = [];
  #progress: ProgressMessage[] = [];
  #batches = 0;
  #isFlushDue = false;
  #over: Error | undefined;
  #timer: { readonly timer: Timer; readonly at: MonotonicMs } | undefined;

  constructor(ports: OutboxPorts, send: (message: ToEngine) => void, toAnswer: ToAnswer<Answer>) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#draw = ports.draw;
    this.#send = send;
    this.#toAnswer = toAnswer;
  }

  /** Adds one job. Equal calls must pass the same `order` object to share a group. */
  add(order: AddOrder, id: JobNumber, payload: string): Promise<Answer> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const caller = Promise.withResolvers<Answer>();
    const pending = this.#lastOpen?.order === order ? this.#lastOpen : this.#openGroup(order);
    pending.ids.push(id);
    pending.payloads.push(payload);
    pending.callers.push(caller);
    pending.left++;
    if (pending.ids.length >= GROUP_MAX) this.flush();
    return caller.promise;
  }

  /** Adds jobs that are stored together or not at all. */
  addAll(
    order: AddOrder,
    ids: readonly JobNumber[],
    payloads: readonly string[],
  ): Promise<Answer[]> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const pending = this.#openGroup(order);
    this.#open.delete(order);
    this.#lastOpen = undefined;
    pending.ids.push(...ids);
    pending.payloads.push(...payloads);
    pending.left = ids.length;
    const caller = Promise.withResolvers<Answer[]>();
    pending.whole = { caller, answers: [] };
    return caller.promise;
  }

  returned(id: JobNumber, token: number, result: string | null): void {
    if (result !== null && this.#results === null)
      this.#results = this.#returnedIds.map(() => null);
    this.#returnedIds.push(id);
    this.#returnedTokens.push(token);
    this.#results?.push(result);
    this.#flushSoon();
  }

  ended(id: JobNumber, token: number, end: AttemptEnd): void {
    this.#ends.push({ id, token, end });
    this.#flushSoon();
  }

  progress(message: ProgressMessage): void {
    this.#progress.push(message);
    this.#flushSoon();
  }

  /** Sends what is gathered now. */
  flush(): void {
    this.#isFlushDue = false;
    const adds = this.#adds;
    const hasReturned = this.#returnedIds.length > 0;
    if (adds.length + this.#ends.length + this.#progress.length === 0 && !hasReturned) return;
    this.#send({
      type: "work",
      adds,
      returned: hasReturned
        ? { ids: this.#returnedIds, tokens: this.#returnedTokens, results: this.#results }
        : null,
      ends: this.#ends,
      progress: this.#progress,
    });
    this.#open = new Map();
    this.#lastOpen = undefined;
    this.#adds = [];
    this.#returnedIds = [];
    this.#returnedTokens = [];
    this.#results = null;
    this.#ends = [];
    this.#progress = [];
  }

  /** The engine's answer to one group, whole or in part. */
  answered({ batch, outcomes }: AddedMessage): void {
    const pending = this.#pending.get(batch);
    if (pending === undefined) return;
    if (outcomes === "added") {
      const { ids, order, whole } = pending;
      whole?.caller.resolve(ids.map((id) => this.#toAnswer(id, id, order)));
      for (let index = 0; index < pending.callers.length; index++) {
        const id = ids[index] ?? 0;
        pending.callers[index]?.resolve(this.#toAnswer(id, id, order));
      }
      pending.left = 0;
    } else {
      for (const [index, outcome] of outcomes) this.#answerOne(pending, index, outcome);
    }
    if (pending.left <= 0) this.#forget(pending);
  }

  /** Lets go of its callers at once: its place in the deadline lanes is only freed in turn. */
  #forget(pending: PendingGroup<Answer>): void {
    pending.isAnswered = true;
    pending.callers.length = 0;
    pending.whole = undefined;
    this.#pending.delete(pending.request.batch);
  }

  /** Sends what is unanswered of every group again, to an engine that knows nothing of them. */
  resend(): void {
    // All of them, also those that wait for this turn's flush: no group may be added to any more.
    this.#adds = [];
    this.#open = new Map();
    this.#lastOpen = undefined;
    const pending = [...this.#pending.values()].filter(({ ids }) => ids.length > 0);
    const adds = pending
      .toSorted((a, b) => a.request.batch - b.request.batch)
      .map((group) => this.#renew(group));
    if (adds.length > 0) this.#send({ type: "work", adds, returned: null, ends: [], progress: [] });
    this.flush();
  }

  /**
   * The group as a new engine gets it: without the jobs that have their answer, which may be done
   * and pruned by now, and under another batch, so that no late answer of the old engine counts.
   */
  #renew(pending: PendingGroup<Answer>): AddRequest {
    this.#pending.delete(pending.request.batch);
    forgetAnswered(pending);
    const batch = this.#batches++;
    const { ids, payloads } = pending;
    pending.request = {
      ...pending.request,
      batch,
      group: { ...pending.request.group, ids, payloads },
    };
    this.#pending.set(batch, pending);
    return pending.request;
  }

  /** Rejects every caller that still waits, and whoever comes later: there is no engine any more. */
  rejectAll(error: Error): void {
    this.#over = error;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    // Copied, because each is taken out.
    for (const pending of [...this.#pending.values()]) {
      for (const caller of pending.callers) caller?.reject(error);
      pending.whole?.caller.reject(error);
      this.#forget(pending);
    }
  }

  /** Open waits, one per group. */
  waits(): LocalWait[] {
    return [...this.#pending.values()].map(({ order: { shape }, since, left, request }) => {
      const { task, queue } = shape;
      const { batch, deadline } = request;
      const name = `enqueue ${task} → ${queue}`;
      const awaited = { kind: "enqueue", task, queue, batch } as const;
      return { name, waiter: null, since, deadline, count: left, awaited };
    });
  }

  #answerOne(pending: PendingGroup<Answer>, index: number, outcome: Added): void {
    const { whole, order } = pending;
    const caller = pending.callers[index];
    if (whole === undefined ? caller === undefined : whole.answers[index] !== undefined) return;
    if (outcome.kind === "numberTaken") {
      this.#moveOn(pending, index);
      return;
    }
    if (caller !== undefined) pending.callers[index] = undefined;
    pending.left--;
    const own = pending.ids[index] ?? 0;
    if (outcome.kind === "added" || outcome.kind === "exists") {
      const stored = outcome.kind === "added" ? own : outcome.id;
      const answer = this.#toAnswer(stored, own, order);
      caller?.resolve(answer);
      if (whole !== undefined) noteAnswer(whole, { index, answer, isLast: pending.left === 0 });
      return;
    }
    const { shape } = order;
    const id = shape.callerId ?? formatJobId(own);
    const waitedMs = Math.round(this.#clock.now() - pending.since);
    const refusal = addRefusal(outcome, { shape, id, waitedMs });
    caller?.reject(refusal);
    if (whole === undefined) return;
    // All or nothing: the refusal of one is the answer to all.
    whole.caller.reject(refusal);
    pending.left = 0;
  }

  /** Takes a job, or a whole that is stored together, to a group of its own with new numbers. */
  #moveOn(pending: PendingGroup<Answer>, index: number): void {
    const { whole, payloads, callers } = pending;
    const moved = this.#newGroup(pending.order, pending.since);
    if (whole === undefined) {
      moved.payloads.push(payloads[index] ?? "");
      moved.callers.push(callers[index]);
      callers[index] = undefined;
    } else {
      moved.payloads.push(...payloads);
      moved.whole = whole;
      pending.whole = undefined;
    }
    moved.left = moved.payloads.length;
    pending.left -= moved.left;
    void this.#sendRenumbered(moved);
  }

  async #sendRenumbered(group: PendingGroup<Answer>): Promise<void> {
    try {
      const ids = await this.#draw(group.payloads.length);
      if (group.isAnswered) return;
      group.ids.push(...ids);
      this.#adds.push(group.request);
      this.#flushSoon();
    } catch (error) {
      group.callers[0]?.reject(error);
      group.whole?.caller.reject(error);
      this.#forget(group);
    }
  }

  #openGroup(order: AddOrder): PendingGroup<Answer> {
    let group = this.#open.get(order);
    if (group === undefined) {
      group = this.#newGroup(order, this.#clock.now());
      this.#open.set(order, group);
      this.#adds.push(group.request);
      this.#flushSoon();
    }
    this.#lastOpen = group;
    return group;
  }

  /** An empty group whose callers wait since then. */
  #newGroup(order: AddOrder, since: MonotonicMs): PendingGroup<Answer> {
    const batch = this.#batches++;
    const ids: JobNumber[] = [];
    const payloads: string[] = [];
    const { shape, capacity, atomic, whenFull, waitersMax, waitMs } = order;
    const group = { shape, capacity, ids, payloads, atomic, overflow: storeOverflow(whenFull) };
    const answerMs = Math.max(waitMs, ANSWER_MS_MIN);
    const limits = { waitersMax, since, deadline: since + waitMs, answerBy: since + answerMs };
    const request = { batch, group, whenFull, ...limits };
    const pending: PendingGroup<Answer> = {
      request,
      order,
      ids,
      payloads,
      callers: [],
      whole: undefined,
      left: 0,
      isAnswered: false,
      since,
    };
    this.#pending.set(batch, pending);
    this.#watch(pending, answerMs + ANSWER_SLACK_MS);
    return pending;
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#timers.soon(() => this.flush());
  }

  #watch(pending: PendingGroup<Answer>, lengthMs: number): void {
    const now = this.#clock.now();
    // Most groups begin now and share the lane of their length; what is left of a wait has its own.
    const leftMs = Math.ceil(lengthMs - (now - pending.since));
    this.#deadlines.add(pending, leftMs, now);
    const at = now + leftMs;
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#arm(at);
  }

  #arm(at: MonotonicMs): void {
    this.#timer?.timer.cancel();
    const delayMs = Math.ceil(Math.max(0, at - this.#clock.now()));
    const timer = this.#timers.after(delayMs, () => this.#onDeadline());
    this.#timer = { timer, at };
  }

  #onDeadline(): void {
    this.#timer = undefined;
    for (const pending of this.#deadlines.due(this.#clock.now())) this.#giveUp(pending);
    const next = this.#deadlines.nextAt();
    if (next !== null) this.#arm(next);
  }

  #giveUp(pending: PendingGroup<Answer>): void {
    const { order, callers, ids, whole } = pending;
    const waitedMs = Math.round(this.#clock.now() - pending.since);
    const what = `enqueue ${order.shape.task}`;
    const unknown = (index: number): UnjamError => {
      const number = ids[index];
      const drawn = number === undefined ? undefined : formatJobId(number);
      const id = order.shape.callerId ?? drawn;
      const known = id === undefined ? [] : [id];
      return new UnjamError("UNJAM_OUTCOME_UNKNOWN", { what, ids: known, waitedMs });
    };
    for (const [index, caller] of callers.entries()) caller?.reject(unknown(index));
    whole?.caller.reject(unknown(0));
    this.#forget(pending);
  }
}
