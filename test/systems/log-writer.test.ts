import { describe, it } from "vitest";

describe("the log writer (unjam/log)", () => {
  it.todo("never blocks the caller on the disk");
  it.todo("loses no line on a clean exit");
  it.todo("counts the lines that overflowed in the log itself");
  it.todo("loses at most the window that was not synced yet when it is killed with -9");
  it.todo("takes a line from a finalizer, from a signal handler and from a process warning");
  it.todo("writes what many threads log through one listener");
});
