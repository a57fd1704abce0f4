/**
 * The side of the lab that runs inside a program: it tells the lab what it does, a line of JSON
 * each on stdout, and keeps the process up as the open port of a server would. Without that a
 * naive program would not hang but end in silence: nothing holds a process in which all wait.
 */
import { isUnjamError } from "../../sync/index.ts";
import type { Ended, Telling } from "./telling.ts";

/** Often enough to see that the process lives, and no flood. */
const HEARTBEAT_MS = 1_000;

interface OpenWait {
  readonly what: string;
  readonly since: number;
  /** More about it, asked at each heartbeat. */
  readonly state: () => string;
}

export class Narrator {
  readonly #total: number;
  readonly #beganAt = performance.now();
  readonly #waits = new Set<OpenWait>();
  #doneCount = 0;
  #failedCount = 0;

  constructor(total: number) {
    this.#total = total;
  }

  say(text: string): void {
    this.#tell(text, null);
  }

  done(item: string): void {
    this.#doneCount++;
    this.say(`${item} done`);
  }

  failed(text: string): void {
    this.#failedCount++;
    this.say(`failed: ${text}`);
  }

  /** The lab shows what is waited for, and for how long. */
  async waitFor<T>(what: string, promise: Promise<T>, state = (): string => ""): Promise<T> {
    const wait = { what, since: performance.now(), state };
    this.#waits.add(wait);
    // Told at once: the lab must not take a program that is ended now for one that never waited.
    this.#tell(null, null);
    try {
      return await promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** All is well, says the heartbeat, and so it would in production. */
  beat(): void {
    const [wait] = this.#waits;
    const state = wait?.state() ?? "";
    if (wait === undefined) this.say("heartbeat ok");
    else this.say(`heartbeat ok, waits for ${wait.what}${state === "" ? "" : `: ${state}`}`);
  }

  end(ended: Ended): void {
    this.#tell(null, ended);
  }

  #tell(text: string | null, ended: Ended | null): void {
    const [wait] = this.#waits;
    const now = performance.now();
    const telling: Telling = {
      ...{ text, ended },
      ...{ done: this.#doneCount, failed: this.#failedCount, total: this.#total },
      ranMs: Math.round(now - this.#beganAt),
      waitsFor: wait?.what ?? null,
      waitedMs: wait === undefined ? 0 : Math.round(now - wait.since),
    };
    process.stdout.write(`${JSON.stringify(telling)}\n`);
  }
}

/** Runs the body of a program of the lab; what it returns or throws is how the program ends. */
export async function narrate(
  total: number,
  body: (narrator: Narrator) => Promise<string>,
): Promise<void> {
  const narrator = new Narrator(total);
  // Where the lab is gone, the pipe is, and the first beat into it ends the process.
  const heartbeat = setInterval(() => narrator.beat(), HEARTBEAT_MS);
  try {
    narrator.end({ kind: "result", text: await body(narrator) });
  } catch (error) {
    if (!isUnjamError(error)) throw error;
    narrator.end({ kind: "error", code: error.code, message: error.message });
  } finally {
    clearInterval(heartbeat);
  }
}
