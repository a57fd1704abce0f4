import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SUITE_NAMES } from "./suites.ts";

export interface CommandLine {
  readonly suite: string;
  readonly peers: boolean;
  /** Undefined leaves it to the case. */
  readonly rounds: number | undefined;
  readonly json: boolean;
  readonly tiny: boolean;
  readonly gate: boolean;
  readonly build: boolean;
  readonly data: string;
  /** Only cases whose name contains one of these. */
  readonly only: readonly string[];
}

/** The media cases take minutes and have three; all others have five. */
const GATE_ROUNDS_MIN = 3;

export const USAGE = `npm run bench -- <suite> [options]

suites: ${SUITE_NAMES.join(", ")}
  --peers        measure the peers too (npm ci --prefix bench)
  --rounds N     rounds, each measure once per round; default 5 (media: 3), with --tiny 1
  --json         one JSON line per measure and per gate instead of tables
  --tiny         sizes that prove that everything runs; the figures mean nothing
  --gate         exit with 1 when a gate is missed; not with --tiny, nor with fewer than 3 rounds
  --only TEXT    only the case of that name, or all with TEXT in theirs; may be repeated
  --data FOLDER  where stores are written; default bench/.data; never tmpfs
  --no-build     measure dist/ as it is
`;

/** @throws Error with a sentence for the user. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      peers: { type: "boolean", default: false },
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      tiny: { type: "boolean", default: false },
      gate: { type: "boolean", default: false },
      build: { type: "boolean", default: true },
      only: { type: "string", multiple: true, default: [] },
      data: { type: "string", default: fileURLToPath(new URL(".data", import.meta.url)) },
    },
  });
  const [suite, ...more] = positionals;
  if (suite === undefined) throw new Error("name a suite");
  if (more.length > 0) throw new Error(`one suite at a time, not also ${more.join(", ")}`);
  if (values.gate && values.tiny) throw new Error("--gate judges full sizes: leave out --tiny");
  const rounds = values.rounds === undefined ? undefined : count(values.rounds);
  if (values.gate && (rounds ?? GATE_ROUNDS_MIN) < GATE_ROUNDS_MIN)
    throw new Error(`--gate judges ${GATE_ROUNDS_MIN} rounds or more: one may be luck`);
  return { ...values, suite, rounds };
}

function count(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1) return rounds;
  throw new Error(`--rounds takes a whole number from 1, not ${text}`);
}
