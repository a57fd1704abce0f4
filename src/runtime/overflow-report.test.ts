import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { FULL_WAIT_MS_MAX } from "../core/limits.ts";
import { OverflowReport } from "./overflow-report.ts";

/** A report of queues in which callers wait as the test says, and what it told. */
function aReport() {
  const clock = new SteppedClock();
  const events: object[] = [];
  const lines: [message: string, fields: object][] = [];
  const waiting = { since: undefined as number | undefined, count: 0 };
  const report = new OverflowReport({
    clock,
    timers: clock,
    waiters: () => ({
      waiterCountOf: () => waiting.count,
      waitingSinceOf: () => waiting.since,
    }),
    tell: (data) => events.push(data),
    warn: (fields, message) => lines.push([message, fields]),
  });
  return { clock, events, lines, waiting, report };
}

describe("a full queue of jobs", () => {
  it("is an event and no line while callers wait for a moment", async () => {
    const { clock, events, lines, waiting, report } = aReport();

    report.met("mail", 10);
    Object.assign(waiting, { since: clock.now(), count: 1 });
    report.waitersChanged("mail");
    await clock.advance(FULL_WAIT_MS_MAX - 1);
    Object.assign(waiting, { since: undefined, count: 0 });
    report.waitersChanged("mail");

    expect(events).toEqual([{ queue: "mail", capacity: 10, count: 1, droppedCount: 0 }]);
    expect(lines).toEqual([]);
    expect(clock.pendingCount).toBe(0);
  });

  it("is a line when they have waited for 10 s, and every 10 s while they do", async () => {
    const { clock, lines, waiting, report } = aReport();
    report.met("mail", 10);
    Object.assign(waiting, { since: clock.now() - 4_000, count: 3 });
    report.waitersChanged("mail");
    report.waitersChanged("mail");

    await clock.advance(20_000);

    const about = { queue: "mail", capacity: 10, waiterCount: 3, droppedCount: 0 };
    expect(lines).toEqual([
      ["a queue stays full; callers wait for room", { ...about, waitedMs: 14_000 }],
      ["a queue stays full; callers wait for room", { ...about, waitedMs: 24_000 }],
    ]);
  });

  it("is a line a second at most when callers are refused or jobs dropped, with their counts", async () => {
    const { clock, lines, report } = aReport();
    for (let n = 0; n < 5; n++) {
      report.dropped("mail", 2);
      report.met("mail", 10);
      report.turnedAway("mail");
    }
    await clock.advance(1_000);
    report.turnedAway("mail");

    const about = { queue: "mail", capacity: 10 };
    expect(lines.map(([, fields]) => fields)).toEqual([
      { ...about, count: 1, droppedCount: 2 },
      { ...about, count: 5, droppedCount: 10 },
    ]);
  });
});
