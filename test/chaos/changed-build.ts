import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

/** What stands in a source file, and what stands there instead in the changed build. */
export type Change = readonly [file: string, from: string, to: string];

/** What the changed build writes into each job, and this one does not know. */
export const EXTRA = '{"trace":"00-4bf9","later":[1]}';

/** What the next version might do: one more schema, columns and a table that this one does not know. */
export const NEWER: readonly Change[] = [
  ["store/sqlite/schema.ts", "SCHEMA_VERSION = 3", "SCHEMA_VERSION = 4"],
  [
    "store/sqlite/schema.ts",
    "[VERSION_1, VERSION_2, VERSION_3]",
    `[VERSION_1, VERSION_2, VERSION_3, \`ALTER TABLE jobs ADD COLUMN shade TEXT DEFAULT 'blue';
ALTER TABLE queues ADD COLUMN hue INTEGER NOT NULL DEFAULT 7;
ALTER TABLE owners ADD COLUMN region TEXT;
CREATE TABLE later (name TEXT PRIMARY KEY);\`]`,
  ],
  ["core/enqueue-order.ts", "extra: null,", `extra: '${EXTRA}',`],
];

/** A copy of this package with some lines changed, able to work on the same file. */
export class ChangedBuild implements Disposable {
  /** Its index, for `import()`. */
  readonly index: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "unjam-build-"));

  constructor(changes: readonly Change[]) {
    cpSync(SOURCES, join(this.#folder, "src"), { recursive: true });
    writeFileSync(join(this.#folder, "package.json"), JSON.stringify({ type: "module" }));
    for (const [file, from, to] of changes) {
      const path = join(this.#folder, "src", file);
      const text = readFileSync(path, "utf8");
      if (!text.includes(from)) throw new Error(`${file} no longer says: ${from}`);
      writeFileSync(path, text.replace(from, to));
    }
    this.index = pathToFileURL(join(this.#folder, "src/index.ts")).href;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
