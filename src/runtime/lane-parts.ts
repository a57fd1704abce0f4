/**
 * What a lane is made of, and how reports and errors call it. Used once: it is ended with its job,
 * whose harm must not fall on the next, and its death under its job is no surprise. A job is
 * claimed only once such a member stands: while one starts, a lease would be lost with whatever
 * crashes meanwhile, and suspects come where something crashes.
 */
export const MADE_OF = {
  thread: { runs: "thread", part: "job thread", isUsedOnce: false },
  process: { runs: "process", part: "job process", isUsedOnce: false },
  alone: { runs: "process", part: "quarantine process", isUsedOnce: true },
} as const;
