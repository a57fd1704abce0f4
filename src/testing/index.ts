export type { Clock, Timer, TimerOptions, Timers } from "../core/clock.ts";
export { ManualClock } from "./manual-clock.ts";
export { openTest, type TestOptions } from "./open-test.ts";
export { runInline, type RunOptions } from "./run-inline.ts";
export { TestApp, type DrainOptions, type TestWaitOptions } from "./test-app.ts";
