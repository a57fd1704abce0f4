/**
 * The work of 1,000 callers with a million other jobs waiting in the same queue: of a task that
 * nobody here runs, and of the same task at the lowest priority. The second kind is run whenever a
 * slot is free, so there it is all settled jobs per second that must not fall.
 */
import { join } from "node:path";
import { ratio } from "../gate.ts";
import type { Bench, Case, Column } from "../suite.ts";
import { rawSchema, THROUGHPUT_COLUMNS, unjam } from "./implementations.ts";

const COLUMNS: readonly Column[] = [
  { metric: "settledPerS", title: "settled/s", digits: 0 },
  { metric: "opsPerS", title: "measured jobs/s", digits: 0 },
  ...THROUGHPUT_COLUMNS.slice(1),
];
const EMPTY = "unjam empty";
/** What the measured jobs need on top of the backlog. */
const ROOM_JOBS = 100_000;

interface BacklogKind {
  readonly name: string;
  readonly task: string;
  readonly priority: number;
  readonly words: string;
}

const KINDS: readonly BacklogKind[] = [
  { name: "backlog-other-task", task: "foreign", priority: 0, words: "of a task that nobody runs" },
  {
    name: "backlog-low-priority",
    task: "noop",
    priority: 9,
    words: "of the same task at priority 9",
  },
];

export function backlogCases(bench: Bench): readonly Case[] {
  return KINDS.map((kind) => backlogCase(bench, kind));
}

function backlogCase(
  { isTiny, folder }: Bench,
  { name, task, priority, words }: BacklogKind,
): Case {
  const work = { callers: 1_000, jobs: isTiny ? 3_000 : 100_000 };
  const waiting = isTiny ? 2_000 : 1_000_000;
  const file = join(folder, `${name}.db`);
  const capacity = waiting + ROOM_JOBS;
  return {
    name,
    about: `as callers-1000, while ${waiting} jobs ${words} wait in the queue`,
    measure: "settledPerS",
    better: "higher",
    columns: COLUMNS,
    prepare: {
      script: new URL("unjam-fill.ts", import.meta.url),
      settings: { file, jobs: waiting, task, priority },
    },
    implementations: [
      unjam(work, EMPTY, { file: "", capacity }),
      unjam(work, "unjam", { file, capacity }),
      rawSchema(work, 1, { file, capacity }),
    ],
    gates: [ratio({ of: "unjam", metric: "settledPerS" }, { atLeast: 0.8 }, [EMPTY])],
  };
}
