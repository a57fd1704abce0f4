import { readFileSync, readlinkSync } from "node:fs";
import { isError } from "../core/is-error.ts";

/**
 * Who a process is, beyond its pid, which is reused: when it was started, and on which boot and in
 * which pid namespace its pid means anything. Linux says all of it in /proc.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start; `null` where the system cannot say. */
  readonly processStart: string | null;
  /** Boot id and pid namespace. Pids of different ones cannot be compared. */
  readonly machine: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, processStart: startOf(process.pid), machine: machineId() };
}

/** Why the process is certainly gone, or `null` when it lives or cannot be judged from here. */
export function whyGone(identity: ProcessIdentity): string | null {
  if (identity.machine !== machineId()) return null;
  if (!exists(identity.pid)) return `process ${identity.pid} is gone`;
  const fields = statOf(identity.pid);
  // Killed, and its parent has not noticed yet.
  if (fields?.[0] === "Z") return `process ${identity.pid} is gone`;
  const start = fields?.[19] ?? null;
  if (identity.processStart === null || start === null || start === identity.processStart)
    return null;
  return `process ${identity.pid} is gone; its pid belongs to another now`;
}

let cachedMachine: string | undefined;

function machineId(): string {
  cachedMachine ??= `${read("/proc/sys/kernel/random/boot_id") ?? "unknown boot"} ${pidNamespace()}`;
  return cachedMachine;
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return process.platform;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return isError(error) && "code" in error && error.code === "EPERM";
  }
}

/** The fields of /proc/PID/stat from the state on; the name before it may hold spaces and brackets. */
function statOf(pid: number): readonly string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Field 22: clock ticks from boot to its start. */
function startOf(pid: number): string | null {
  return statOf(pid)?.[19] ?? null;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
