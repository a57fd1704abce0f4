/** How a program came to its end by itself. */
export type Ended =
  | { readonly kind: "result"; readonly text: string }
  | { readonly kind: "error"; readonly code: string; readonly message: string };

/** What a program of the lab says at one moment: a line of JSON, each with the whole state. */
export interface Telling {
  /** What has just happened, in words. */
  readonly text: string | null;
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** Since its work began. */
  readonly ranMs: number;
  /** What it waits for longest; `null` when it waits for nothing that it told of. */
  readonly waitsFor: string | null;
  readonly waitedMs: number;
  /** The last telling has this. */
  readonly ended: Ended | null;
}

/** `undefined` for a line that is none: anybody may write to stdout. */
export function readTelling(line: string): Telling | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isTelling = typeof value === "object" && value !== null && "waitedMs" in value;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only narrator.ts writes such lines.
    return isTelling ? (value as Telling) : undefined;
  } catch {
    return undefined;
  }
}
