import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { findLines, readSources, withoutComments, withoutProse } from "./source-tree.ts";
import type { SourceFile } from "./source-tree.ts";

/** What launches threads and processes, is started in one, or speaks over Node's ports. */
const BEHIND_PORTS = /^runtime\/(?:(?:launch|port)-[^/]+|[^/]+-(?:thread|process))\.ts$/;

/**
 * Who may import what, besides its own folder (or, for a single file, itself). The first row that
 * fits counts; a file that fits none may import nothing. An entry that ends in "/" or ":" is a
 * prefix, any other is one module.
 */
const MAY_IMPORT: readonly (readonly [files: RegExp, targets: readonly string[]])[] = [
  [/^index\.ts$/, ["core/", "client/", "store/store.ts"]],
  [/^core\//, ["core/"]],
  [/^sync\//, ["sync/", "core/"]],
  [/^stack\//, ["stack/", "core/", "node:"]],
  [/^threads\//, ["threads/", "core/", "sync/", "stack/", "node:"]],
  [/^store\/store\.ts$/, ["core/"]],
  [/^store\/open-store\.ts$/, ["core/", "store/", "node:path"]],
  [/^store\/memory\//, ["store/memory/", "store/store.ts", "core/"]],
  [/^store\/sqlite\//, ["store/sqlite/", "store/store.ts", "core/", "node:"]],
  [
    BEHIND_PORTS,
    ["runtime/", "core/", "store/", "threads/", "sync/", "stack/", "watchdog/", "node:"],
  ],
  // Services see the world through ports only, so that the simulator can run them. Following a
  // flow through its awaits touches no world.
  [
    /^runtime\//,
    [
      ...["runtime/", "core/", "store/store.ts", "threads/", "sync/", "stack/", "watchdog/"],
      "node:async_hooks",
    ],
  ],
  [/^watchdog\//, ["watchdog/", "core/", "stack/", "node:"]],
  // The client finds the caller's task module on the disk.
  [
    /^client\//,
    [
      ...["client/", "core/", "store/store.ts", "store/open-store.ts", "runtime/", "watchdog/"],
      ...["threads/machine-clock.ts", "node:fs", "node:url"],
    ],
  ],
  [/^edges\/cli\//, ["edges/cli/", "edges/lab/", "core/", "client/", "node:", "commander"]],
  // The programs of the lab use what they show as a user would; the lab only starts them.
  [/^edges\/lab\/[\w-]+\//, ["edges/lab/", "sync/"]],
  [/^edges\/lab\//, ["edges/lab/", "sync/", "node:"]],
  [
    /^edges\/fastify\.ts$/,
    ["edges/http-answer.ts", "edges/request-drain.ts", "core/", "client/", "fastify"],
  ],
  // Structural types instead of Express's own: one middleware fits its versions 4 and 5.
  [/^edges\/[\w-]+\.ts$/, ["edges/http-answer.ts", "edges/request-drain.ts", "core/", "client/"]],
  // The engine in the test's own thread, and a handler called as the runtime calls it.
  [
    /^testing\//,
    [
      ...["testing/", "core/", "client/", "store/store.ts", "store/memory/"],
      ...["runtime/launch-inline.ts", "threads/machine-clock.ts"],
      ...["runtime/attempt-context.ts", "runtime/checked-payload.ts", "runtime/run-handler.ts"],
    ],
  ],
];

const STATIC = /^\s*(?:import\s*|(?:import|export)\b[^;"'=(]*?\bfrom\s*)["']([^"']+)["']/gm;
const LAZY = /\bimport\(\s*["'`]([^"'`]+)["'`]/g;
/** A module that is started in a thread is as much a dependency as an imported one. */
const STARTED = /\bnew URL\(\s*["'`](\.[^"'`$]+)(?<!\.json)["'`$]/g;

const CLOCK_TIMER_CHANCE =
  /\b(?:Date\.now|new Date\(\s*\)|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|performance\.|randomUUID|hrtime)/;

const sources = readSources(/^src\/.*\.ts$/)
  .filter(({ path }) => !path.endsWith(".test.ts"))
  .map(({ path, text }) => ({ path: path.slice("src/".length), text: withoutComments(text) }));

function targetsOf(path: string, code: string): readonly string[] {
  return [STATIC, LAZY, STARTED].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, target = ""]) =>
      target.startsWith(".") ? posix.join(posix.dirname(path), target) : target,
    ),
  );
}

function allowedFor(path: string): readonly string[] {
  return MAY_IMPORT.find(([files]) => files.test(path))?.[1] ?? [];
}

function isAllowed(target: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) =>
    /[/:]$/.test(entry) ? target.startsWith(entry) : target === entry,
  );
}

describe("layers", () => {
  it("are found where the table expects them", () => {
    expect(new Set(sources.map(({ path }) => path.split("/")[0]))).toContain("core");
  });

  it.each(sources)("src/$path has a row in the table", ({ path }) => {
    expect(MAY_IMPORT.some(([files]) => files.test(path))).toBe(true);
  });

  it.each(sources)("src/$path imports only what its layer may", ({ path, text }) => {
    const forbidden = targetsOf(path, text).filter(
      (target) => !isAllowed(target, allowedFor(path)),
    );

    expect(forbidden).toEqual([]);
  });

  it("load a store's client only when a URL asks for it", () => {
    const eager = sources
      .filter(({ path }) => path === "store/open-store.ts")
      .flatMap(({ text }) => [...text.matchAll(/^import (?!type\b)[^;]*?"(\.\/\w+\/[^"]+)"/gm)])
      .map(([, target]) => target);

    expect(eager).toEqual([]);
  });

  it("below the client read no clock, set no timer and take no chance by themselves", () => {
    const timed = sources.filter(
      ({ path }) =>
        /^(?:core|store|sync|runtime)\//.test(path) &&
        !BEHIND_PORTS.test(path) &&
        path !== "sync/sync-ports.ts",
    );

    expect(findLines(codeOf(timed), CLOCK_TIMER_CHANCE)).toEqual([]);
  });

  it("keep the process out of the core and the locks", () => {
    const inner = sources.filter(({ path }) => /^(?:core|sync)\//.test(path));

    expect(findLines(codeOf(inner), /\bprocess\.(?!getBuiltinModule)/)).toEqual([]);
  });
});

function codeOf(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.map(({ path, text }) => ({ path, text: withoutProse(text) }));
}
