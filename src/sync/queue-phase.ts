/**
 * `broken`: the last consumer died beyond its restart budget. A new one mends it; until then puts
 * are refused. `closed` is for good.
 */
export type QueuePhase = "open" | "broken" | "closed";
type QueueEvent = "close" | "break" | "consume";

const NEXT: Readonly<Record<QueuePhase, Readonly<Partial<Record<QueueEvent, QueuePhase>>>>> = {
  open: { close: "closed", break: "broken" },
  broken: { close: "closed", consume: "open" },
  closed: {},
};

/** What does not stand in the table changes nothing. */
export function nextQueuePhase(phase: QueuePhase, event: QueueEvent): QueuePhase {
  return NEXT[phase][event] ?? phase;
}
