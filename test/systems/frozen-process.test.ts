import { describe, it } from "vitest";

describe("a frozen process (unjam why <pid>)", () => {
  it.todo("prints the stack of a jammed Node process of the same user");
  it.todo("prints the stack of a process that does not use unjam");
  it.todo("prints what every thread waits for, and who holds it");
  it.todo("names the system call, the file and the child of a thread that sits in native code");
  it.todo("says what it had to change in the process, and changes it back");
  it.todo("refuses a process that is not Node before it sends it a signal");
});
