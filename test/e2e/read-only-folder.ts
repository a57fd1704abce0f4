import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, statSync } from "node:fs";

/** The user "nobody" on every Linux. */
const NOBODY = 65_534;

export interface ReadOnly extends Disposable {
  /**
   * Who has to run the command so that it binds: `undefined` is this user, "impossible" says that
   * there is no way on this machine.
   */
  readonly uid: number | undefined | "impossible";
}

/**
 * Makes a file or folder read-only, also for root, whom modes do not stop: by the immutable
 * attribute where the file system has it, else by a read-only bind mount, else by letting another
 * user run the command.
 */
export function makeReadOnly(path: string): ReadOnly {
  const { mode } = statSync(path);
  if (process.getuid?.() !== 0) {
    chmodSync(path, mode & 0o555);
    return { uid: undefined, [Symbol.dispose]: () => chmodSync(path, mode) };
  }
  if (succeeds("chattr", ["+i", path]) && !isWritable(path)) {
    return { uid: undefined, [Symbol.dispose]: () => void succeeds("chattr", ["-i", path]) };
  }
  if (succeeds("mount", ["--bind", path, path])) {
    const isSealed = succeeds("mount", ["-o", "remount,bind,ro", path]) && !isWritable(path);
    const unmount = (): void => void succeeds("umount", [path]);
    if (isSealed) return { uid: undefined, [Symbol.dispose]: unmount };
    unmount();
  }
  chmodSync(path, mode & 0o555);
  const uid = succeeds(process.execPath, ["-e", "0"], NOBODY) ? NOBODY : "impossible";
  return { uid, [Symbol.dispose]: () => chmodSync(path, mode) };
}

function succeeds(command: string, argv: readonly string[], uid?: number): boolean {
  try {
    execFileSync(command, argv, { stdio: "ignore", ...(uid === undefined ? {} : { uid }) });
    return true;
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
