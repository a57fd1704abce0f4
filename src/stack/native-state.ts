/** What a thread does outside of JavaScript, from /proc. Linux only; elsewhere nothing is known. */
import { readFileSync, readlinkSync } from "node:fs";

export interface NativeState {
  /** The system call that it sits in; `null` when it computes, or nothing is known. */
  readonly syscall: string | null;
  /** What that call's file descriptor is open on. */
  readonly file: string | null;
  /** The command line of a child process that it started and that still runs. */
  readonly child: string | null;
}

/** Numbers of the calls that block, by processor. Others are given by number. */
const SYSCALLS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  x64: {
    ...{ 0: "read", 1: "write", 7: "poll", 17: "pread64", 18: "pwrite64", 23: "select" },
    ...{ 35: "nanosleep", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom" },
    ...{ 61: "wait4", 72: "fcntl", 73: "flock", 74: "fsync", 75: "fdatasync", 202: "futex" },
    ...{
      230: "clock_nanosleep",
      232: "epoll_wait",
      247: "waitid",
      257: "openat",
      281: "epoll_pwait",
    },
  },
  arm64: {
    ...{ 63: "read", 64: "write", 73: "ppoll", 67: "pread64", 68: "pwrite64", 72: "pselect6" },
    ...{ 101: "nanosleep", 203: "connect", 202: "accept", 206: "sendto", 207: "recvfrom" },
    ...{ 260: "wait4", 25: "fcntl", 32: "flock", 82: "fsync", 83: "fdatasync", 98: "futex" },
    ...{ 115: "clock_nanosleep", 22: "epoll_pwait", 95: "waitid", 56: "openat" },
  },
};
/** Calls whose first argument is a file descriptor worth naming. */
const ON_FILE = new Set([
  "read",
  "write",
  "pread64",
  "pwrite64",
  "fcntl",
  "flock",
  "fsync",
  "fdatasync",
]);
const COMMAND_CHARS_MAX = 200;

/** @param osThread the thread's number in the operating system; 0 when it is not known. */
export function nativeState(osThread: number): NativeState {
  if (osThread === 0) return { syscall: null, file: null, child: null };
  const [word = "", first = ""] = readText(`/proc/self/task/${osThread}/syscall`).split(" ");
  const syscall = nameOf(word);
  const file =
    syscall !== null && ON_FILE.has(syscall) ? readLink(`/proc/self/fd/${Number(first)}`) : null;
  return { syscall, file, child: childOf(osThread) };
}

function nameOf(word: string): string | null {
  // "running" while it computes, "-1" when it is stopped elsewhere in the kernel.
  const number = Number(word);
  if (word === "" || !Number.isInteger(number) || number < 0) return null;
  return SYSCALLS[process.arch]?.[number] ?? `system call ${number}`;
}

function childOf(osThread: number): string | null {
  const [pid = ""] = readText(`/proc/self/task/${osThread}/children`).trim().split(" ");
  if (pid === "") return null;
  const command = readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  return `${command.slice(0, COMMAND_CHARS_MAX)} (process ${pid})`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
