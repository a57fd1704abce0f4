/** The part of the error table (error-table.ts) that queues and locks across threads raise. */
export const SHARED_ERRORS = {
  UNJAM_BLOCKING_ON_MAIN: {
    message: (d: { where: string; instead: string }): string =>
      `${d.where} would block the main thread`,
    help: "On the main thread everything waits for everything: use the promise (await queue.get(), await lock.lock()). Calls that end in Sync are for worker threads.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_ITEM_NOT_SERIALIZABLE: {
    message: (d: { queue: string; reason: string }): string =>
      `an item of queue "${d.queue}" cannot be sent to another thread: ${d.reason}`,
    help: 'Items travel as JSON, Uint8Array as they are. format: "clone" also takes dates, maps, sets and BigInts; functions and live objects cannot leave their thread.',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_ITEM_TOO_LARGE: {
    message: (d: { queue: string; bytes: number; bytesMax: number }): string =>
      `an item of queue "${d.queue}" takes ${d.bytes} bytes, more than ${d.bytesMax}`,
    help: "Raise itemBytesMax of the queue, or send where the data is.",
    httpStatus: 413,
    exitCode: 2,
  },
  UNJAM_ITEM_LOST: {
    message: (d: { value: string; losses: number }): string =>
      `the item ${d.value} was given up: ${d.losses} threads died while they held it`,
    help: "It counts as failed, so that it cannot end thread after thread. What each of them did with it when it died is in their own errors.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_QUEUE_MEMORY_FULL: {
    message: (d: { queue: string; reason: string; waitedMs: number }): string =>
      `the shared memory of queue "${d.queue}" is full: ${d.reason}; waited ${d.waitedMs} ms`,
    help: "Settle what is held, or give the queue a larger heldMax or largeBytesMax.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_HANDLE_INVALID: {
    message: (d: { what: string; reason: string }): string =>
      `${d.what}.from() was given something else than a handle: ${d.reason}`,
    help: "Send the handle of a queue or lock (queue.handle) by workerData or postMessage, and open it by the from() of the same class and the same version of unjam.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TOO_MANY_THREADS: {
    message: (d: { what: string; threadsMax: number }): string =>
      `${d.threadsMax} threads have ${d.what} open already`,
    help: "A thread that has no more use for it disposes of its end (using, or [Symbol.dispose]()); one that ends need not. Share work by fewer threads.",
    httpStatus: 503,
    exitCode: 1,
  },
} as const;
