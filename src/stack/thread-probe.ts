import { Session } from "node:inspector";
import type { ProbeAnswer } from "./main-probe.ts";

/** A worker's title, by which the inspector shows it: `[worker 3] its name`. */
const TITLE = /^\[worker (\d+)\]/;

/** How long to wait for an answer. */
export interface Patience {
  readonly ms: number;
  readonly msMax: number;
  readonly mayAnswer: () => boolean;
}

/**
 * Evaluates an expression in a worker thread, asked from another worker, even while the thread is
 * inside a loop, a regular expression or `Atomics.wait`. The way leads through the main thread,
 * which may itself be inside a loop, but not in native code: then there is no answer. Which takes
 * `patience.ms` to know, and up to `patience.msMax` while `mayAnswer()` says that one may still come,
 * because on a machine that is busy it comes late. The expression must only read. Costs 1 to 9 ms. Never call it on the main thread: an
 * inspector session there runs its handlers in the middle of whatever main does.
 */
export function probeThread(
  threadId: number,
  expression: string,
  patience: Patience,
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const session = new Session();
    const askedAt = performance.now();
    let isOver = false;
    const end = (answer: ProbeAnswer): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      session.disconnect();
      resolve(answer);
    };
    const giveUp = (): void => end({ kind: "silent" });
    let timer = setTimeout(() => {
      if (!patience.mayAnswer()) return giveUp();
      timer = setTimeout(giveUp, patience.msMax - patience.ms);
    }, patience.ms);
    session.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }) => {
      if (TITLE.exec(workerInfo.title)?.[1] !== String(threadId)) return;
      const params = { expression, returnByValue: true };
      const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params });
      session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params: { message } }) => {
      const value = answerIn(message);
      if (value !== undefined) {
        end({ kind: "answered", value, tookMs: performance.now() - askedAt });
      }
    });
    try {
      session.connectToMainThread();
    } catch {
      // Forbidden (--permission) or not supported: the same as no answer.
      end({ kind: "silent" });
      return;
    }
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  });
}

function answerIn(message: string): unknown {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own form; each part may be missing.
  const answer = JSON.parse(message) as {
    readonly id?: number;
    readonly result?: { readonly result?: { readonly value?: unknown } };
  };
  return answer.id === 1 ? answer.result?.result?.value : undefined;
}
