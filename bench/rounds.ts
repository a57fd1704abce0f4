import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Metrics } from "./metrics.ts";
import type { Bench, Case, Implementation } from "./suite.ts";

interface Run {
  readonly bench: Bench;
  /** Of every case; undefined leaves it to each. */
  readonly rounds: number | undefined;
  readonly say: Say;
}

/** What came of one implementation: one entry per round that it was measured in. */
export interface Measured {
  readonly implementation: Implementation;
  readonly rounds: readonly Metrics[];
  readonly failure: string | undefined;
}

export interface CaseResult {
  readonly case: Case;
  readonly measured: readonly Measured[];
}

interface Track {
  readonly implementation: Implementation;
  readonly rounds: Metrics[];
  failure: string | undefined;
}

const ROUNDS_DEFAULT = 5;

/**
 * Measures every implementation of every case once per round, next to its rivals, so that a slow
 * minute of the machine hits all of them. Who goes first rotates: the first after a pause finds a
 * calmer disk. An implementation that fails is not tried again, and says why.
 */
export async function measureRounds(
  cases: readonly Case[],
  { bench, rounds, say }: Run,
): Promise<readonly CaseResult[]> {
  const plan = cases.map((one) => ({
    case: one,
    tracks: one.implementations.map(newTrack),
    rounds: rounds ?? (bench.isTiny ? 1 : (one.rounds ?? ROUNDS_DEFAULT)),
  }));
  for (let round = 0; plan.some((one) => round < one.rounds); round++) {
    for (const { case: one, tracks, rounds: roundCount } of plan) {
      if (round >= roundCount) continue;
      if (round === 0) await prepare(one, tracks, { bench, say });
      for (const track of rotated(tracks, round)) {
        if (track.failure !== undefined) continue;
        say(`round ${round + 1}/${roundCount}  ${one.name}  ${track.implementation.name}`);
        await measureOnce(track, bench);
      }
    }
  }
  return plan.map(({ case: one, tracks }) => ({ case: one, measured: tracks }));
}

/** What cannot be prepared fails every implementation of the case, and only that case. */
async function prepare(
  { name, prepare: probe }: Case,
  tracks: readonly Track[],
  { bench, say }: { readonly bench: Bench; readonly say: Say },
): Promise<void> {
  if (probe === undefined) return;
  say(`preparing  ${name}`);
  try {
    await bench.runProbe(probe);
  } catch (error) {
    for (const track of tracks) track.failure = `not prepared: ${words(error)}`;
  }
}

export type Say = (progress: string) => void;

function newTrack(implementation: Implementation): Track {
  return { implementation, rounds: [], failure: undefined };
}

async function measureOnce(track: Track, bench: Bench): Promise<void> {
  const { implementation } = track;
  const folder = mkdtempSync(join(bench.folder, "round-"));
  try {
    const settings = { ...implementation.settings, folder };
    track.rounds.push(await bench.runProbe({ ...implementation, settings }));
  } catch (error) {
    track.failure = words(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
