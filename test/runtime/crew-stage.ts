import type { ClaimedJob } from "../../src/core/job.ts";
import type { AttemptEnd } from "../../src/core/outcome.ts";
import type { CrewLane, TaskFacts } from "../../src/core/task.ts";
import type { Whereabouts } from "../../src/core/whereabouts.ts";
import type { FromJobThread, ToJobThread } from "../../src/runtime/job-thread-messages.ts";
import type { FromSupervisor } from "../../src/runtime/messages.ts";
import { ThreadCrew } from "../../src/runtime/thread-crew.ts";
import type { SlotThread } from "../../src/threads/thread-slot.ts";
import { aClaimedJob, someFacts } from "./job-builders.ts";
import { SteppedClock } from "./stepped-clock.ts";

/** A thread that does what the test says. It never dies by itself. */
export class PlayedThread implements SlotThread<FromJobThread, ToJobThread> {
  readonly number: number;
  readonly posted: ToJobThread[] = [];
  readonly events: SlotThread<FromJobThread, ToJobThread>["events"] = {
    message: () => undefined,
    stray: () => undefined,
    exit: () => undefined,
  };
  isBeingEnded = false;
  readonly #terminated = Promise.withResolvers<void>();

  constructor(number: number) {
    this.number = number;
  }

  post(message: ToJobThread): void {
    this.posted.push(message);
  }

  terminate(): Promise<void> {
    this.isBeingEnded = true;
    return this.#terminated.promise;
  }

  /** Anything, also what no thread says. */
  says(message: unknown): void {
    this.events.message(message as FromJobThread);
  }

  ready(): void {
    this.events.message({ type: "ready", osThread: 70 + this.number });
  }

  /** Its handler ended by itself. */
  ends(end: AttemptEnd = { kind: "returned", result: null, problem: null }): void {
    this.events.message({ type: "end", id: this.job.id, token: this.job.token, end });
  }

  /** Its handler waits for another job, by this call. */
  waits(call: number, job = "j_2"): void {
    const { id, token } = this.job;
    this.events.message({ type: "await", call, id, token, job, since: 0, deadline: 30_000 });
  }

  /** What its calls came to. */
  get answers(): [call: number, kind: string][] {
    return this.posted.flatMap((message): [number, string][] =>
      message.type === "awaited" ? [[message.call, message.outcome.kind]] : [],
    );
  }

  /** Its loop is free, and it has told the handler to stop. */
  acknowledges(): void {
    this.events.message({ type: "aborting", id: this.job.id, token: this.job.token });
  }

  /** It is gone: by itself, or because it was terminated. */
  dies(reason = "it exited with code 1"): void {
    this.events.exit(reason);
    this.#terminated.resolve();
  }

  /** The job that it was given last. */
  get job(): ClaimedJob {
    const run = this.posted.findLast((message) => message.type === "run");
    if (run === undefined) throw new Error(`thread ${this.number} was given nothing`);
    return run.job;
  }

  get abortReasons(): string[] {
    return this.posted.flatMap((message) => (message.type === "abort" ? [message.reason] : []));
  }
}

interface CrewSettings {
  /** Where the thread with this number in the operating system says it is. */
  readonly locate?: ((osThread: number) => Promise<Whereabouts>) | null;
  readonly lane?: CrewLane;
  readonly size?: number;
  readonly facts?: Partial<TaskFacts>;
}

/** A crew on stepped time whose threads are played. Tasks: "send", with a deadline of 1,000 ms. */
export class CrewStage {
  readonly clock: SteppedClock = new SteppedClock();
  readonly threads: PlayedThread[] = [];
  readonly sent: FromSupervisor[] = [];
  readonly crew: ThreadCrew;
  readonly #lane: CrewLane;

  constructor({ lane = "thread", size = 1, facts = {}, locate = null }: CrewSettings = {}) {
    this.#lane = lane;
    this.crew = new ThreadCrew({
      lane,
      size,
      tasks: [someFacts({ runs: "thread", timeoutMs: 1_000, ...facts })],
      clock: this.clock,
      timers: this.clock,
      nextNumber: () => this.threads.length + 1,
      spawn: (number) => {
        const thread = new PlayedThread(number);
        this.threads.push(thread);
        return { thread, locate };
      },
      send: (message) => this.sent.push(message),
    });
  }

  /** Sends jobs with these numbers. */
  run(...ids: number[]): void {
    this.#send(ids.map((id) => aClaimedJob({ id })));
  }

  /** The last thread begins this job, or a new one does. */
  begin(about: Partial<ClaimedJob>): PlayedThread {
    const countBefore = this.threads.length;
    this.#send([aClaimedJob(about)]);
    const thread = this.thread(this.threads.length);
    if (this.threads.length > countBefore) thread.ready();
    return thread;
  }

  #send(jobs: readonly ClaimedJob[]): void {
    this.crew.receive({ type: "run", lane: this.#lane, jobs });
  }

  /** The job that the thread's call waited for is gone. */
  answer(thread: number, call: number): void {
    const outcome = { kind: "gone" } as const;
    this.crew.receive({ type: "awaited", thread, call, outcome });
  }

  /** So many jobs wait for members that stand. */
  warm(count: number): void {
    this.crew.receive({ type: "warm", lane: this.#lane, count });
  }

  /** How many members stood, each time that it was said. */
  get standing(): number[] {
    return this.sent.flatMap((message) => (message.type === "standing" ? [message.count] : []));
  }

  prefer(...ids: number[]): void {
    this.crew.receive({ type: "preferred", ids });
  }

  /** A job runs on the first thread. */
  static running(ids: readonly number[], options?: CrewSettings): CrewStage {
    const stage = new CrewStage(options);
    stage.run(...ids);
    for (const thread of [...stage.threads]) thread.ready();
    return stage;
  }

  /** The nth thread that was started, from 1. */
  thread(number: number): PlayedThread {
    const thread = this.threads[number - 1];
    if (thread === undefined) throw new Error(`there is no thread ${number}`);
    return thread;
  }

  /** What was reported of attempts so far: job and kind of end. */
  get ends(): [id: number, kind: string][] {
    return this.sent.flatMap((message) =>
      message.type === "ends"
        ? message.ends.map(({ id, end }): [number, string] => [id, end.kind])
        : [],
    );
  }

  get eventNames(): string[] {
    return this.sent.flatMap((message) => {
      if (message.type === "broken") return ["broken"];
      return message.type === "event" ? [message.event.name] : [];
    });
  }

  /** A thread dies in the middle of its job, and the one that follows becomes ready, again and again. */
  async crash(times: number): Promise<void> {
    for (let index = 0; index < times; index++) {
      const last = this.threads.at(-1);
      last?.dies();
      await this.clock.advance(5_000);
      if (this.threads.at(-1) !== last) this.threads.at(-1)?.ready();
    }
  }
}
