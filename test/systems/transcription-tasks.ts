import { task, type Task } from "../../src/index.ts";

interface Recording {
  readonly taskId: string;
  /** Takes its thread down with it, as a codec in native code may. */
  readonly isFatal?: boolean;
}

/** The worker of the transcription server: one recording at a time, on a thread. */
export const transcribe: Task<Recording, string> = task(
  "transcribe",
  { queue: "audio", runs: "thread", attempts: 1 },
  async ({ taskId, isFatal }: Recording) => {
    if (isFatal === true) process.exit(1);
    return `words of ${taskId}`;
  },
);
