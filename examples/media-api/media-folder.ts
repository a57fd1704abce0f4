import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import type { Readable } from "node:stream";
import { hasSystemCode } from "./system-error.ts";
import { RequestError } from "./request-error.ts";

const UNREADABLE = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "ENXIO"];

/**
 * Opens a file below one folder for reading. `path` is relative to the folder; neither `..` nor an
 * absolute path nor a symbolic link leads out of it, and what lies outside is answered alike whether
 * it exists or not.
 * @throws RequestError 403 (outside), 404 (missing), 400 (not a file), 413 (too large)
 */
export async function openInside(
  folder: string,
  path: string,
  bytesMax: number,
): Promise<Readable> {
  const handle = await find(await realpath(folder), path);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new RequestError(400, "NOT_A_FILE", `${path} is not a file`);
    if (facts.size > bytesMax) {
      throw new RequestError(413, "FILE_TOO_LARGE", `${path} has more than ${bytesMax} bytes`);
    }
    // A file that grows meanwhile is cut at the limit, and is then a broken image.
    return handle.createReadStream({ end: bytesMax - 1 });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function find(folder: string, path: string): Promise<FileHandle> {
  const outside = new RequestError(403, "PATH_OUTSIDE", "path leads out of the media folder");
  const inside = folder.endsWith(sep) ? folder : folder + sep;
  const named = resolve(folder, path);
  if (path.includes("\0") || !named.startsWith(inside)) throw outside;
  try {
    const file = await realpath(named);
    if (!file.startsWith(inside)) throw outside;
    // Opening a named pipe would wait for its writer, and hold a thread of the pool meanwhile.
    return await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (!hasSystemCode(error, ...UNREADABLE)) throw error;
    throw new RequestError(404, "FILE_NOT_FOUND", `no file ${path} in the media folder`);
  }
}
