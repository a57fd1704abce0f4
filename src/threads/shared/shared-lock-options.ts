import type { Diagnostics } from "../../sync/call-site.ts";

/** How a shared lock is made. */
export interface SharedLockOptions {
  /** How errors and reports call it, 1 to 128 characters. */
  readonly name?: string;
  /** How often this thread notes the code that takes it: see {@link Diagnostics}. */
  readonly diagnostics?: Diagnostics;
}
