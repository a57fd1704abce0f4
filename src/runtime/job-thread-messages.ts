import type { ClaimedJob, JobNumber } from "../core/job.ts";
import type { LogLine } from "../core/job-context.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type {
  AbortReason,
  AddedMessage,
  AddRequest,
  AwaitedMessage,
  AwaitMessage,
  EndMessage,
  ProgressMessage,
  UnawaitMessage,
} from "./messages.ts";

/** What a job thread is started with; a job process gets it as its argument. */
export interface JobThreadData {
  readonly module: string;
}

/** Supervisor → job thread or job process. */
export type ToJobThread =
  | { readonly type: "run"; readonly job: ClaimedJob }
  | {
      readonly type: "abort";
      readonly id: JobNumber;
      readonly token: number;
      readonly reason: AbortReason | "timeout";
    }
  | AwaitedMessage
  | {
      readonly type: "added";
      readonly ids: readonly JobNumber[];
      readonly message: AddedMessage;
    };

/** Job thread or job process → supervisor. */
export type FromJobThread =
  /** `osThread`: its number in the operating system; 0 where that is not known or of no use. */
  | { readonly type: "ready"; readonly osThread: number }
  /** The thread's loop is free: it has told the handler. */
  | { readonly type: "aborting"; readonly id: JobNumber; readonly token: number }
  | (EndMessage & { readonly type: "end"; readonly end: AttemptEnd })
  | (ProgressMessage & { readonly type: "progress" })
  | { readonly type: "log"; readonly line: LogLine }
  | AwaitMessage
  | UnawaitMessage
  /** Why it is about to end, where its exit does not say. */
  | { readonly type: "dying"; readonly reason: string }
  | { readonly type: "add"; readonly request: AddRequest };
