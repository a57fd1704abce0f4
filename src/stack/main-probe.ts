import { Session } from "node:inspector";

/** What the main thread answered, or that it sits in native code, where nothing can ask it. */
export type ProbeAnswer =
  | { readonly kind: "answered"; readonly value: unknown; readonly tookMs: number }
  | { readonly kind: "silent" };

/**
 * Evaluates an expression on the main thread, from another thread, even while the main thread is
 * inside a loop: V8 runs it at the next loop or call, in the async context of the code that runs.
 * Connects only for the question, because a session left open prints at exit. The expression must
 * only read: it may run in the middle of anything. Costs about 1 ms; in native code (a blocking
 * system call, one huge JSON.parse) there is no answer within `timeoutMs`.
 */
export function probeMain(expression: string, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const session = new Session();
    const askedAt = performance.now();
    let isOver = false;
    const end = (answer: ProbeAnswer): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      // What was sent and not answered still runs on main later; that is why it must only read.
      session.disconnect();
      resolve(answer);
    };
    const timer = setTimeout(() => end({ kind: "silent" }), timeoutMs);
    try {
      session.connectToMainThread();
    } catch {
      // Forbidden (--permission) or not supported: the same as no answer.
      end({ kind: "silent" });
      return;
    }
    session.post("Runtime.evaluate", { expression, returnByValue: true }, (error, answer) => {
      if (error !== null || answer === undefined) return;
      end({ kind: "answered", value: answer.result.value, tookMs: performance.now() - askedAt });
    });
  });
}
