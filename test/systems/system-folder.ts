import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test, which goes with it. */
export class SystemFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<SystemFolder> {
    return new SystemFolder(await mkdtemp(join(tmpdir(), "unjam-system-")));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** A store in a file of its own in here. */
  get store(): string {
    return `sqlite:${this.file("jobs.db")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
