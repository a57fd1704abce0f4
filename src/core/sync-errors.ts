import { type SiteKind, siteInWords } from "./site-words.ts";

/** The part of the error table (error-table.ts) that locks and queues inside one process raise. */
export const SYNC_ERRORS = {
  UNJAM_QUEUE_CLOSED: {
    message: (d: { queue: string }): string => `queue "${d.queue}" is closed`,
    help: "close() refuses producers for good; what is in the queue is still handed out. Make a new queue to go on.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_ITEM_DROPPED: {
    message: (d: { queue: string; reason: string }): string =>
      `the item left queue "${d.queue}" before anybody took it: ${d.reason}`,
    help: 'An overflow policy (drop-newest, drop-oldest) or close({ drop: true }) took it out. Use whenFull: "wait" where nothing may be dropped.',
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_LEASE_SETTLED: {
    message: (d: { what: string }): string => `${d.what} was settled before`,
    help: "A lease or a guard is settled once: released, done, failed, put back, or left by its using block. Let one place do it.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_DEADLOCK: {
    message: (d: {
      cycle: readonly {
        flow: string;
        holds: string;
        holdSite: string;
        /** What that place is worth; `null` where it is not known. */
        holdSiteKind: SiteKind | null;
        waitsFor: string;
        waitSite: string;
        waitSiteKind: SiteKind | null;
      }[];
    }): string =>
      `this wait would never end: ${d.cycle
        .map(
          (edge) =>
            `${edge.flow} holds ${edge.holds} (${siteInWords(edge.holdSite, edge.holdSiteKind)}) and waits for ${edge.waitsFor} (${siteInWords(edge.waitSite, edge.waitSiteKind)})`,
        )
        .join("; ")}`,
    help: "Take locks in the same order everywhere, let go of one before you wait for the next, and do not wait inside a consumer for what only it can do. Of jobs, let one end and enqueue the next instead of waiting for it.",
    httpStatus: 500,
    exitCode: 3,
  },
} as const;
