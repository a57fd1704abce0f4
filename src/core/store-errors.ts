/** What is wrong with a store; part of the table in `error-table.ts`. */
export const STORE_ERRORS = {
  UNJAM_STORE_URL_INVALID: {
    message: (d: { url: string }): string =>
      `a store is "memory:" or "sqlite:<path>", not ${JSON.stringify(d.url)}`,
    help: 'Use "memory:" for tests, "sqlite:.unjam/jobs.db" for durable jobs in one file.',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_STORE_MISSING: {
    message: (d: { file: string }): string => `there is no store at ${d.file}`,
    help: "Check the path: it is relative to the working folder. The first enqueue or worker makes the store; a mere look does not.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_STORE_FOLDER_MISSING: {
    message: (d: { file: string; folder: string }): string =>
      `cannot create ${d.file}: the folder ${d.folder} is missing or cannot be written`,
    help: "Create the folder, or fix its permissions. Only the default .unjam folder is made by itself.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_STORE_PATH_UNUSABLE: {
    message: (d: { file: string; reason: string }): string =>
      `no store can be kept at ${d.file}: ${d.reason}`,
    help: "Use a shorter path, and one whose symbolic links lead to a folder that is there.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_STORE_FOREIGN: {
    message: (d: { file: string; reason: string }): string =>
      `${d.file} is not an unjam store: ${d.reason}`,
    help: "Give unjam a file of its own; it never writes into another program's database.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_STORE_CORRUPT: {
    message: (d: { file: string; reason: string }): string => `${d.file} is damaged: ${d.reason}`,
    help: "Stop all processes on it, keep a copy, and try `sqlite3 file .recover`. Check the disk.",
    httpStatus: 503,
    exitCode: 4,
  },
  UNJAM_STORE_READ_ONLY: {
    message: (d: { file: string }): string => `${d.file} cannot be written`,
    help: "Check the owner and mode of the file and its folder, and whether the disk was remounted read-only.",
    httpStatus: 503,
    exitCode: 4,
  },
  UNJAM_STORE_LOCKED: {
    message: (d: { file: string; waitedMs: number }): string =>
      `${d.file} was locked by another writer for ${d.waitedMs} ms`,
    help: "Nothing was stored. Find the process that holds a write transaction open (fuser, lsof), and end the transaction.",
    httpStatus: 503,
    exitCode: 4,
  },
  UNJAM_STORE_DISK_FULL: {
    message: (d: { file: string }): string => `no room left on the disk of ${d.file}`,
    help: "Nothing was stored. Free some space; the queue goes on by itself.",
    httpStatus: 503,
    exitCode: 4,
  },
  UNJAM_STORE_IO: {
    message: (d: { file: string; reason: string }): string =>
      `the disk of ${d.file} failed: ${d.reason}`,
    help: "The file was closed and is opened anew before the next write. Look at the kernel's log for the disk.",
    httpStatus: 503,
    exitCode: 4,
  },
  UNJAM_STORE_UNSAFE: {
    message: (d: { what: string; expected: string; got: string }): string =>
      `the store would not be safe: ${d.what} should be ${d.expected} and is ${d.got}`,
    help: "unjam acknowledges a job only when it is durable, so it does not start without. Use a local disk and a supported Node.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_SCHEMA_NEWER: {
    message: (d: { file: string; needed: number; known: number }): string =>
      `${d.file} was written by a newer unjam (needs version ${d.needed}, this one knows ${d.known})`,
    help: "Update unjam here, or use the version that wrote the file.",
    httpStatus: 500,
    exitCode: 4,
  },
  UNJAM_STORE_LOST: {
    message: (d: { reason: string }): string => `the store is gone: ${d.reason}`,
    help: "A memory: store ends with its thread. Durable stores are opened again by themselves.",
    httpStatus: 503,
    exitCode: 4,
  },
} as const;
