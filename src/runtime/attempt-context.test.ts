import { describe, expect, it } from "vitest";
import type { LogLine } from "../core/job-context.ts";
import { LOG_LINES_MAX, LOG_MESSAGE_CHARS_MAX } from "../core/limits.ts";
import { AttemptContext } from "./attempt-context.ts";

/** The context of an attempt, and the lines that it has sent. */
function anAttempt(): { context: AttemptContext; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const facts = { id: 1, token: 1, attempt: 1, task: "resize", deadlineAt: 0, extra: null };
  const context = new AttemptContext(facts, {
    log: (line) => lines.push(line),
    progress: () => undefined,
    enqueue: () => Promise.reject(new Error("not asked for")),
    result: () => Promise.reject(new Error("not asked for")),
  });
  return { context, lines };
}

describe("what an attempt logs", () => {
  it("names its job, whatever the fields say", () => {
    const { context, lines } = anAttempt();

    context.log("info", "half done", { width: 5, task: "other" });

    expect(lines).toEqual([
      {
        level: "info",
        message: "half done",
        fields: { width: 5, jobId: context.jobId, task: "resize", attempt: 1 },
      },
    ]);
  });

  it("is dropped beyond a number of lines, and a last one says so", () => {
    const { context, lines } = anAttempt();

    for (let n = 1; n <= 2 * LOG_LINES_MAX; n++) context.log("info", `line ${n}`);

    expect(lines).toHaveLength(LOG_LINES_MAX + 1);
    expect(lines.at(-2)?.message).toBe(`line ${LOG_LINES_MAX}`);
    expect(lines.at(-1)).toMatchObject({ level: "warn", fields: { task: "resize" } });
    expect(lines.at(-1)?.message).toContain("dropped");
  });

  it("is cut where a message is longer than a line may be", () => {
    const { context, lines } = anAttempt();

    context.log("error", "x".repeat(2 * LOG_MESSAGE_CHARS_MAX));

    expect(lines[0]?.message).toHaveLength(LOG_MESSAGE_CHARS_MAX);
  });
});
