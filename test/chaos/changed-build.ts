import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

/** What stands in a source file, and what stands there instead in the changed build. */
export type Change = readonly [file: string, from: string, to: string];

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
