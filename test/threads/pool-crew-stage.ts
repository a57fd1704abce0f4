import type {
  FromCrew,
  FromPoolThread,
  ToPoolThread,
} from "../../src/threads/pool/pool-messages.ts";
import { PoolCrew, type StartedThread } from "../../src/threads/pool/pool-crew.ts";
import { CELL, newBoardMemory, ThreadBoard, WORD } from "../../src/threads/pool/thread-board.ts";
import type { SlotThread } from "../../src/threads/thread-slot.ts";
import { SteppedClock } from "../runtime/stepped-clock.ts";

/** A thread that does what the test says. */
export class PlayedThread implements SlotThread<FromPoolThread, ToPoolThread> {
  readonly board: ThreadBoard = new ThreadBoard(newBoardMemory());
  readonly posted: ToPoolThread[] = [];
  readonly events: SlotThread<FromPoolThread, ToPoolThread>["events"] = {
    message: () => undefined,
    stray: () => undefined,
    exit: () => undefined,
  };
  isBeingEnded = false;
  readonly #clock: SteppedClock;

  constructor(clock: SteppedClock) {
    this.#clock = clock;
  }

  post(message: ToPoolThread): void {
    this.posted.push(message);
  }

  terminate(): Promise<void> {
    this.isBeingEnded = true;
    return new Promise(() => undefined);
  }

  ready(): void {
    this.events.message({ type: "ready", names: ["work"] });
  }

  /** It has begun a call that may take so long. */
  begins(id: number, timeoutMs = 1_000): void {
    const { cells, words } = this.board;
    cells[CELL.startedAt] = this.#clock.now();
    cells[CELL.deadlineAt] = this.#clock.now() + timeoutMs;
    words[WORD.running] = id + 1;
    words[WORD.begun] = (words[WORD.begun] ?? 0) + 1;
  }

  /** Its call has ended. */
  ends(): void {
    this.board.words[WORD.running] = 0;
  }

  /** Its loop is free: it has told the function. */
  hears(id: number): void {
    this.board.words[WORD.abortHeard] = id + 1;
  }
}

/** A crew on stepped time, whose threads are played. */
export class PoolCrewStage {
  readonly clock: SteppedClock = new SteppedClock();
  readonly threads: PlayedThread[] = [];
  readonly sent: FromCrew[] = [];
  readonly crew: PoolCrew;
  readonly #watching = new SharedArrayBuffer(4);

  constructor() {
    this.crew = new PoolCrew({
      ...{ name: "stage", clock: this.clock, timers: this.clock, watching: this.#watching },
      start: (number) => this.#start(number),
      send: (message) => this.sent.push(message),
    });
  }

  #start(number: number): StartedThread {
    const thread = new PlayedThread(this.clock);
    this.threads.push(thread);
    const { board } = thread;
    return {
      ...{ thread, board },
      handOver: (names) => {
        const memory = new SharedArrayBuffer(1);
        this.sent.push({ type: "ready", thread: number, board: memory, port: {} as never, names });
      },
      locate: async () => ({ native: false, isAwaiting: false, stack: "    at here" }),
    };
  }

  /** With so many threads that are ready. */
  static ready(threads: number): PoolCrewStage {
    const stage = new PoolCrewStage();
    stage.crew.receive({ type: "want", threads });
    for (const thread of stage.threads) thread.ready();
    return stage;
  }

  watch(): void {
    new Int32Array(this.#watching)[0] = 1;
    this.crew.receive({ type: "watch" });
  }

  get isWatching(): boolean {
    return new Int32Array(this.#watching)[0] === 1;
  }

  /** The nth thread that was started, from 1. */
  thread(number: number): PlayedThread {
    const thread = this.threads[number - 1];
    if (thread === undefined) throw new Error(`there is no thread ${number}`);
    return thread;
  }

  /** What was said so far, but for threads that are ready. */
  get said(): string[] {
    return this.sent.flatMap((message) => {
      if (message.type === "ready") return [];
      return "thread" in message ? [`${message.type} ${message.thread}`] : [message.type];
    });
  }

  /** Threads that the pool was told it may use. */
  get usable(): number[] {
    return this.sent.flatMap((message) => (message.type === "ready" ? [message.thread] : []));
  }
}
