/** Whether a wait that stands on a board can end, and what its caller is told when it cannot. */
import { UnjamError } from "../../core/errors.ts";
import { UNKNOWN_PLACE } from "../../core/site-words.ts";
import type { BoardRow, LockId, WaitBoard } from "./wait-board.ts";

/**
 * The error for the wait of this row, when it is one of a circle of waits that hold each other, and
 * the last to have come: the others then go on. `isPatient`: another may be refused in its place.
 */
export function findDeadlock(
  board: WaitBoard,
  row: number,
  isPatient: boolean,
): UnjamError<"UNJAM_DEADLOCK"> | undefined {
  const stuck = stuckAmong(board.rows());
  const mine = stuck.find((one) => one.row === row);
  const circle = mine === undefined ? undefined : circleFrom(mine, stuck);
  if (mine === undefined || circle === undefined) return undefined;
  // Tickets wrap: their order is that of their difference.
  const isLast = circle.every(({ ticket }) => ((mine.ticket - ticket) | 0) >= 0);
  if (isPatient && !isLast) return undefined;
  return board.areStill(stuck) ? errorOf(circle) : undefined;
}

/** What is left when all who can go on have gone, and all whom that lets go on. */
function stuckAmong(rows: readonly BoardRow[]): readonly BoardRow[] {
  const left = rows.filter(({ lock, permits }) => heldBy(rows, lock) >= permits);
  return left.length === rows.length ? left : stuckAmong(left);
}

function heldBy(rows: readonly BoardRow[], lock: LockId): number {
  let count = 0;
  for (const { holds } of rows) count += holds.filter((hold) => isSame(hold, lock)).length;
  return count;
}

/** The shortest way from a row, each waiting for what the next holds, back to itself. */
function circleFrom(first: BoardRow, rows: readonly BoardRow[]): readonly BoardRow[] | undefined {
  let ways: readonly (readonly BoardRow[])[] = [[first]];
  const seen = new Set<BoardRow>();
  while (ways.length > 0) {
    const longer: (readonly BoardRow[])[] = [];
    for (const way of ways) {
      const last = way.at(-1) ?? first;
      for (const next of rows) {
        if (!next.holds.some((hold) => isSame(hold, last.lock))) continue;
        if (next === first) return way;
        if (seen.has(next)) continue;
        seen.add(next);
        longer.push([...way, next]);
      }
    }
    ways = longer;
  }
  return undefined;
}

function errorOf(circle: readonly BoardRow[]): UnjamError<"UNJAM_DEADLOCK"> {
  const cycle = circle.map(({ told, holds }, index) => {
    const wanted = circle.at(index - 1)?.lock ?? [0, 0];
    const held = told.holds[holds.findIndex((hold) => isSame(hold, wanted))];
    return {
      flow: told.who,
      holds: held?.what ?? "a lock",
      holdSite: held?.site ?? UNKNOWN_PLACE,
      holdSiteKind: held?.siteKind ?? null,
      waitsFor: told.waitsFor,
      waitSite: told.waitSite,
      waitSiteKind: told.waitSiteKind,
    };
  });
  return new UnjamError("UNJAM_DEADLOCK", { cycle });
}

function isSame([first, second]: LockId, [otherFirst, otherSecond]: LockId): boolean {
  return first === otherFirst && second === otherSecond;
}
