import type { Clock, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import type { ClaimedJob, JobNumber } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { LOOP_BEAT_MS } from "../core/limits.ts";
import type { TaskBody } from "../core/task.ts";
import { abortError } from "../runtime/abort-error.ts";
import type { AttemptLink } from "../runtime/attempt-context.ts";
import { AttemptWaits } from "../runtime/attempt-waits.ts";
import { type LateBeat, LoopBeat, newBeatMemory } from "../runtime/loop-beat.ts";
import { blockVerdict } from "../runtime/block-verdict.ts";
import { registerLoop } from "../runtime/loop-moment.ts";
import { LoopRunner } from "../runtime/loop-runner.ts";
import type { LoopBlock } from "../runtime/loop-watch.ts";
import type { FromEngine, ToEngine } from "../runtime/messages.ts";
import type { Enqueuer } from "./enqueuer.ts";
import type { EventHub } from "./event-hub.ts";
import type { JobHandle } from "./job-handle.ts";
import { handlerWait, type LocalWait } from "./open-waits.ts";
import type { Outbox } from "./outbox.ts";

/** More blocks than this in a row, before the supervisor gets a word in, are not told apart. */
const LATES_MAX = 8;

/**
 * The main loop as a place where handlers run: their runner, the beat that shows that the loop
 * turns, and the way their reports take to the engine and to the user.
 */
export class LoopHost {
  /** For the supervisor, which watches the beat. */
  readonly beat: SharedArrayBuffer = newBeatMemory();
  readonly #runner: LoopRunner;
  readonly #waits: AttemptWaits;
  readonly #beat: LoopBeat;
  readonly #events: EventHub;
  readonly #unregister: () => void;
  /** The end of the last block that the runner measured itself. */
  #measuredAt = Number.NEGATIVE_INFINITY;
  /** Blocks of which the supervisor has not told what it saw. */
  readonly #lates: (LateBeat & { readonly underWay: ReturnType<LoopRunner["underWay"]> })[] = [];
  readonly #clock: Clock;

  constructor(options: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly bodies: ReadonlyMap<string, TaskBody>;
    readonly slots: number;
    readonly outbox: Outbox<JobHandle>;
    readonly events: EventHub;
    readonly enqueuer: Enqueuer;
    readonly send: (message: ToEngine) => void;
    /** The loop has begun to beat. */
    readonly onBeating: () => void;
  }) {
    const { clock, timers, bodies, slots, outbox, events, enqueuer } = options;
    this.#clock = clock;
    this.#events = events;
    this.#waits = new AttemptWaits({ clock, timers }, options.send);
    this.#runner = new LoopRunner({
      ...{ clock, timers, tasks: bodies, slots },
      reports: {
        returned: (id, token, result) => outbox.returned(id, token, result),
        ended: (id, token, end) => outbox.ended(id, token, end),
        bodyEnded: (id) => {
          // After its attempt's end, which may wait for the end of this very turn.
          outbox.flush();
          options.send({ type: "bodiesEnded", ids: [id] });
        },
        blocked: (task, id, blockedMs) => this.#measured(task, id, blockedMs),
      },
      link: {
        progress: (id, token, report) => outbox.progress({ id, token, ...report }),
        log: (line) => events.log(line),
        enqueue: (task, input, given) => enqueuer.enqueue(task, input, given),
        result: (lease, job, wait) => this.#waitFor(lease, job, wait),
      },
    });
    const isBusy = (): boolean => this.#runner.runningCount > 0;
    const onBeat = (late: LateBeat | undefined): void => this.#beaten(late);
    const on = { onStart: options.onBeating, onBeat };
    this.#beat = new LoopBeat(this.beat, { clock, timers, isBusy, ...on });
    this.#unregister = registerLoop(() => ({ at: clock.now(), job: this.#runner.currentJob() }));
  }

  receive(message: FromEngine): void {
    if (message.type === "attempts") {
      this.#beat.start();
      this.#runner.take(message.jobs);
    } else if (message.type === "abort") {
      this.#runner.abort(message.leases, message.reason);
      for (const lease of message.leases) {
        const error = toErrorRecord(abortError(message.reason, lease.id));
        this.#waits.endAll(lease, { kind: "error", error });
      }
    } else if (message.type === "awaited") {
      this.#waits.answered(message.call, message.outcome);
    } else if (message.type === "giveBack") {
      this.#runner.giveBack();
    }
  }

  /** Attempts that run or wait here, for an engine that takes over. */
  held(): ClaimedJob[] {
    // A claimed job counts the attempts before this one, a running attempt itself too.
    const unknown = { payload: "", losses: 0, extra: null };
    return this.#runner.held().map((held) => ({ ...held, ...unknown, attempt: held.attempt - 1 }));
  }

  /** Waits of the handlers here, for an engine that takes over. */
  openWaits(): readonly ToEngine[] {
    return this.#waits.open();
  }

  /** The same for people. */
  waits(): readonly LocalWait[] {
    const held = new Map(this.#runner.held().map((attempt) => [attempt.id, attempt]));
    return this.#waits.open().map((message) => {
      const { task = "?", attempt = 1 } = held.get(message.id) ?? {};
      return handlerWait(message, { id: message.id, task, attempt });
    });
  }

  /** The slot of a handler that waits is lent: its children may need it. */
  async #waitFor(...[lease, job, wait]: Parameters<AttemptLink["result"]>): Promise<unknown> {
    const giveBack = this.#runner.lend(lease);
    try {
      return await this.#waits.result(lease, job, wait);
    } finally {
      giveBack();
    }
  }

  /** The loop has not turned for long: who was under way is known now only. */
  #beaten(late: LateBeat | undefined): void {
    // What the runner has measured is told already.
    if (late !== undefined && this.#measuredAt <= late.from) {
      this.#lates.push({ ...late, underWay: this.#runner.underWay() });
      if (this.#lates.length > LATES_MAX) this.#lates.shift();
    }
    this.#runner.beat();
  }

  /** What the supervisor saw of a block: the runner itself measures only up to a first await. */
  blocked({ lastBeat, looks }: LoopBlock): void {
    const late = this.#lates.find(({ from }) => from === lastBeat);
    if (late === undefined) return;
    this.#lates.splice(this.#lates.indexOf(late), 1);
    const blockedMs = late.to - late.from - LOOP_BEAT_MS;
    const verdict = blockVerdict(looks, late);
    if (verdict.kind === "handler") {
      const { task, id, stack } = verdict.moment;
      const data = { task, jobId: formatJobId(id), blockedMs, stack, candidates: [] };
      this.#events.emit({ name: "blocked", data });
    } else if (verdict.kind === "unknown") {
      const underWay = verdict.seen === null ? late.underWay : [verdict.seen];
      const candidates = underWay.map(({ task, id }) => ({ task, jobId: formatJobId(id) }));
      const [first, ...others] = candidates;
      if (first === undefined) return;
      const named = others.length === 0 ? first : { task: null, jobId: null };
      this.#events.emit({
        name: "blocked",
        data: { ...named, blockedMs, stack: null, candidates },
      });
    }
  }

  stop(): void {
    this.#beat.stop();
    this.#runner.stop();
    this.#unregister();
  }

  #measured(task: string, id: JobNumber, blockedMs: number): void {
    this.#measuredAt = this.#clock.now();
    const data = { task, jobId: formatJobId(id), blockedMs, stack: null, candidates: [] };
    this.#events.emit({ name: "blocked", data });
  }
}
