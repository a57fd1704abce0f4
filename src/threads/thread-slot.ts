import { invariant } from "../core/invariant.ts";

/** One running thread, whatever carries its messages. */
export interface SlotThread<Received, Sent> {
  post(message: Sent): void;
  /** Ends it at its next JavaScript instruction; resolves when it is gone, maybe never in native code. */
  terminate(): Promise<void>;
  readonly events: {
    message: (message: Received) => void;
    /** Called at most once: code that runs there posts to a parent that does not listen. */
    stray: () => void;
    /** Called once: the thread has ended, by whatever cause. */
    exit: (reason: string) => void;
  };
}

export type SlotState = "starting" | "idle" | "busy" | "aborting" | "ending" | "gone";
type SlotEvent = "ready" | "take" | "finish" | "abort" | "end" | "exit";

/**
 * The life of one thread. `aborting`: its work was told to stop and may still. `ending`: it is
 * being terminated; nothing that it says counts any more.
 */
const TRANSITIONS: Readonly<Record<SlotState, Readonly<Partial<Record<SlotEvent, SlotState>>>>> = {
  starting: { ready: "idle", end: "ending", exit: "gone" },
  idle: { take: "busy", end: "ending", exit: "gone" },
  busy: { finish: "idle", abort: "aborting", end: "ending", exit: "gone" },
  aborting: { finish: "idle", end: "ending", exit: "gone" },
  ending: { exit: "gone" },
  gone: {},
};

/** What a slot's owner wants to know. */
export interface SlotOwner<Received> {
  message(message: Received): void;
  /** Its code posts to a parent that does not listen. */
  stray(): void;
  /** The thread is gone. `whileDoing` is the state it was in. */
  gone(reason: string, whileDoing: SlotState): void;
}

/**
 * A thread and what it is doing, as a state of the table above. It carries one piece of work at a
 * time; who decides when to abort or end it is its owner.
 */
export class ThreadSlot<Received, Sent> {
  readonly #thread: SlotThread<Received, Sent>;
  #state: SlotState = "starting";

  constructor(thread: SlotThread<Received, Sent>, owner: SlotOwner<Received>) {
    this.#thread = thread;
    thread.events.message = (message) => {
      if (this.#state !== "ending" && this.#state !== "gone") owner.message(message);
    };
    thread.events.stray = () => owner.stray();
    thread.events.exit = (reason) => {
      const whileDoing = this.#state;
      this.#move("exit");
      owner.gone(reason, whileDoing);
    };
  }

  get state(): SlotState {
    return this.#state;
  }

  ready(): void {
    this.#move("ready");
  }

  /** Gives an idle thread its work. */
  take(message: Sent): void {
    this.#move("take");
    this.#thread.post(message);
  }

  finish(): void {
    this.#move("finish");
  }

  /** Tells a busy thread to stop its work. */
  abort(message: Sent): void {
    this.#move("abort");
    this.#thread.post(message);
  }

  /** Anything beside the work itself. */
  post(message: Sent): void {
    this.#thread.post(message);
  }

  /** Terminates the thread. Resolves when it is gone; a thread in a system call may never be. */
  async end(): Promise<void> {
    if (this.#state === "gone") return;
    if (this.#state !== "ending") this.#move("end");
    await this.#thread.terminate();
  }

  #move(event: SlotEvent): void {
    const to = TRANSITIONS[this.#state][event];
    invariant(to !== undefined, `a ${this.#state} thread cannot ${event}`);
    this.#state = to;
  }
}
