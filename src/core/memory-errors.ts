import { SHARED_ERRORS } from "./shared-errors.ts";
import { SYNC_ERRORS } from "./sync-errors.ts";

/** The part of the error table (error-table.ts) that needs no app: queues and locks in memory. */
export const MEMORY_ERRORS: typeof SYNC_ERRORS & typeof SHARED_ERRORS = {
  ...SYNC_ERRORS,
  ...SHARED_ERRORS,
};
