import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { linkDevDependencies, ROOT } from "../../scripts/packed-project.ts";
import { ChangedBuild, NEWER } from "./changed-build.ts";

const FIXTURES = join(ROOT, "test/chaos/fixtures");
/** More than this repository's tree takes as a tar archive. */
const ARCHIVE_BYTES_MAX = 2 ** 26;
const BUILD_MS_MAX = 120_000;

/** What stood before these sources; without a revision the name says why there is none. */
interface Predecessor {
  readonly name: string;
  readonly revision?: string;
}

/**
 * The build before this one, made of what git remembers: the last release, or while there is none,
 * the sources before the last change to them. Where there is no history (an unpacked archive, a
 * clone of depth 1, no git), a changed copy of this build stands in for it; the names of the tests
 * then say so, and why.
 */
export class LastBuild implements Disposable {
  static readonly #last: Predecessor = predecessor();
  /** The programs of fixtures/, which import this build and no other. */
  readonly fixtures: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "unjam-last-build-"));
  readonly #standIn: ChangedBuild | undefined;

  /** What it is, for the names of tests. */
  static get title(): string {
    return LastBuild.#last.name;
  }

  static async make(): Promise<LastBuild> {
    const { revision } = LastBuild.#last;
    const made = new LastBuild(revision === undefined ? new ChangedBuild(NEWER) : undefined);
    try {
      if (revision !== undefined) await build(revision, made.#folder);
      return made;
    } catch (error) {
      made[Symbol.dispose]();
      throw new Error(`${LastBuild.title} could not be built`, { cause: error });
    }
  }

  private constructor(standIn: ChangedBuild | undefined) {
    this.#standIn = standIn;
    const index = standIn?.index ?? pathToFileURL(join(this.#folder, "dist/index.js")).href;
    this.fixtures = join(this.#folder, "programs");
    writeFileSync(join(this.#folder, "package.json"), JSON.stringify({ type: "module" }));
    mkdirSync(this.fixtures);
    for (const name of readdirSync(FIXTURES)) {
      const text = readFileSync(join(FIXTURES, name), "utf8");
      writeFileSync(join(this.fixtures, name), text.replaceAll("../../../src/index.ts", index));
    }
  }

  [Symbol.dispose](): void {
    this.#standIn?.[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true });
  }
}

function predecessor(): Predecessor {
  const release = git("describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^");
  if (release.answer !== undefined)
    return { name: `release ${release.answer}`, revision: release.answer };
  // Whoever works here has the last commit before him as long as he has not committed.
  const changed = git("log", "--first-parent", "-1", "--format=%H", "--", "src").answer ?? "HEAD";
  const isClean = git("diff", "--quiet", changed, "--", "src").answer !== undefined;
  const commit = git("rev-parse", "--verify", "--short", isClean ? `${changed}^` : changed);
  return commit.answer === undefined
    ? { name: `a changed copy of this build, for want of history (${commit.problem})` }
    : { name: `the build of commit ${commit.answer}`, revision: commit.answer };
}

function git(...argv: string[]): { readonly answer?: string; readonly problem?: string } {
  try {
    const answer = execFileSync("git", ["-C", ROOT, ...argv], { encoding: "utf8", stdio: "pipe" });
    return { answer: answer.trim() };
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    return { problem: said.trim().split("\n", 1).join() };
  }
}

/** With what is installed here: a build of before an update of the compiler is made by the new one. */
async function build(revision: string, folder: string): Promise<void> {
  const archive = execFileSync("git", ["-C", ROOT, "archive", revision], {
    maxBuffer: ARCHIVE_BYTES_MAX,
  });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  linkDevDependencies(folder);
  const script = join(folder, "scripts/build.ts");
  await promisify(execFile)(process.execPath, [script], { cwd: folder, timeout: BUILD_MS_MAX });
}
