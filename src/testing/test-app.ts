import type { App } from "../client/app.ts";
import { type JobHandle, type JobStatus, statusOf } from "../client/job-handle.ts";
import type { JoinResult } from "../client/join.ts";
import type { Task } from "../client/task.ts";
import type { EpochMs, MonotonicMs } from "../core/clock.ts";
import { fromErrorRecord, parseErrorRecord } from "../core/error-record.ts";
import { isUnjamError, UnjamError } from "../core/errors.ts";
import type { JobNumber, JobRecord } from "../core/job.ts";
import { parseJobId } from "../core/job-id.ts";
import { JOB_STATES, type JobState, STATE_FACTS } from "../core/job-state.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";
import { invalid, type OptionTable, readOptions, readSignal } from "../core/options.ts";
import type { Store } from "../store/store.ts";
import type { ManualClock } from "./manual-clock.ts";
import { realTimers } from "./real-timers.ts";
import { type RunOptions, type RunSurroundings, runWithin } from "./run-inline.ts";

/** Less than the 5 s after which vitest and jest give up: their error would not name the job. */
const WAIT_MS_DEFAULT = 4_000;
