/**
 * Where uploads and images lie on the disk. A file has its own name only when it is whole and
 * synced: it is written under another name first, and renamed. So a process that is killed at any
 * moment, or a machine that loses power, leaves no half file that a later attempt takes for a whole
 * one, and an acknowledged job always finds its input.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { hasSystemCode } from "./system-error.ts";

const PART = ".part";
/** Old enough to belong to no request and no attempt that is still running. */
const LEFT_OVER_MS = 3_600_000;

export interface Upload {
  /** Names the file, its job and the image that is made of it. */
  readonly id: string;
  readonly bytes: number;
}

export class MediaStore {
  readonly #uploads: string;
  readonly #images: string;

  constructor(folder: string) {
    this.#uploads = join(folder, "uploads");
    this.#images = join(folder, "images");
  }

  async prepare(): Promise<void> {
    await mkdir(this.#uploads, { recursive: true });
    await mkdir(this.#images, { recursive: true });
  }

  /** Streams an upload to the disk; it is there to stay when this resolves. Bounded by its source. */
  async saveUpload(source: Readable): Promise<Upload> {
    const id = randomUUID();
    const bytes = await writeWhole(this.#uploads, id, source);
    return { id, bytes };
  }

  /** `undefined` when there is none: it was turned into an image already, or removed. */
  async readUpload(id: string): Promise<Buffer | undefined> {
    return unlessMissing(readFile(join(this.#uploads, id)));
  }

  async removeUpload(id: string): Promise<void> {
    await rm(join(this.#uploads, id), { force: true });
  }

  async saveImage(id: string, image: Buffer): Promise<void> {
    await writeWhole(this.#images, imageName(id), image);
  }

  async readImage(id: string): Promise<Buffer | undefined> {
    return unlessMissing(readFile(join(this.#images, imageName(id))));
  }

  /** Removes what a killed process or a forgotten job left behind; answers how many files. */
  async sweep(isKnown: (id: string) => Promise<boolean>): Promise<number> {
    let removed = 0;
    for (const folder of [this.#uploads, this.#images]) {
      for (const name of await readdir(folder)) {
        const file = join(folder, name);
        const facts = await unlessMissing(stat(file));
        if (facts === undefined || Date.now() - facts.mtimeMs < LEFT_OVER_MS) continue;
        if (!name.endsWith(PART) && (await isKnown(name.replace(/\.webp$/, "")))) continue;
        await rm(file, { force: true });
        removed += 1;
      }
    }
    return removed;
  }
}

function imageName(id: string): string {
  return `${id}.webp`;
}

async function writeWhole(
  folder: string,
  name: string,
  content: Readable | Buffer,
): Promise<number> {
  // A name of its own: an attempt that lost its lease may still be writing the same file.
  const part = join(folder, `${name}.${randomUUID()}${PART}`);
  try {
    const bytes = await writeSynced(part, content);
    await rename(part, join(folder, name));
    await syncFolder(folder);
    return bytes;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function writeSynced(file: string, content: Readable | Buffer): Promise<number> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

/** Without it the new name may be gone after a power cut, though the file's content is not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (hasSystemCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
