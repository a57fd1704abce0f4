/** How a program is expected to end; see `Ending` in program-run.ts. */
export type Expected =
  | { readonly kind: "hung" }
  | { readonly kind: "result" }
  /** With an error of this code. */
  | { readonly kind: "error"; readonly code: string };

/** One of the two programs of a scenario. */
export interface Program {
  /** What it is built on, in a few words. */
  readonly builtOn: string;
  readonly expected: Expected;
}

/**
 * A classic failure: the same work done by a naive program and by a sound one. To add one, make a
 * folder with `scenario.ts` and the two programs, and list it in scenarios.ts.
 */
export interface Scenario {
  /** What is typed after `unjam lab`. */
  readonly name: string;
  /** What goes wrong, in at most 60 characters. */
  readonly summary: string;
  /** What the work consists of, in the plural: "images". */
  readonly unit: string;
  /** `import.meta.url` of the scenario. The programs stand beside it, `naive` and `sound`. */
  readonly home: string;
  readonly naive: Program;
  readonly sound: Program;
  /** Why the one hangs and the other does not: a sentence or two. */
  readonly lesson: string;
}
