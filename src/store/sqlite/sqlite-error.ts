import { accessSync, closeSync, constants, existsSync, lstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { isUnjamError, UnjamError } from "../../core/errors.ts";
import { isError } from "../../core/is-error.ts";
import { PATH_BYTES_MAX } from "../../core/limits.ts";

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

function primaryCode(error: unknown): number | undefined {
  if (!isError(error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Another connection writes; trying again later is right. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED || isUnjamError(error, "UNJAM_STORE_LOCKED");
}

/**
 * The connection may have lost what it wrote: after a failed fsync the kernel forgets the pages,
 * so a retry would "succeed" over a hole. The file must be closed and opened anew.
 */
export function needsReopen(error: unknown): boolean {
  const code = primaryCode(error);
  return code === IOERR || code === CANTOPEN || code === CORRUPT;
}

/** SQLite's error as one of ours; anything else is a bug and comes back as it is. */
export function storeError(error: unknown, file: string): unknown {
  const cause = { cause: error };
  const reason = isError(error) ? error.message : String(error);
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
      return new UnjamError("UNJAM_STORE_LOCKED", { file, waitedMs: 0 }, cause);
    case READONLY:
      return new UnjamError("UNJAM_STORE_READ_ONLY", { file }, cause);
    case IOERR:
      return new UnjamError("UNJAM_STORE_IO", { file, reason }, cause);
    case CORRUPT:
      return new UnjamError("UNJAM_STORE_CORRUPT", { file, reason }, cause);
    case FULL:
      return new UnjamError("UNJAM_STORE_DISK_FULL", { file }, cause);
    case CANTOPEN:
      return new UnjamError("UNJAM_STORE_IO", { file, reason }, cause);
    case NOTADB:
      return new UnjamError("UNJAM_STORE_FOREIGN", { file, reason }, cause);
    default:
      return error;
  }
}

/** The system's codes for a path that can be no file's, whatever the disk. */
const UNUSABLE: ReadonlySet<unknown> = new Set(["ELOOP", "ENAMETOOLONG"]);

/** Why a file could not be opened: SQLite says "unable to open database file" for all of these. */
export function openError(error: unknown, file: string): unknown {
  if (primaryCode(error) !== CANTOPEN) return storeError(error, file);
  const cause = { cause: error };
  const folder = dirname(file);
  if (existsSync(file) && !(isWritable(file) && isWritable(folder))) {
    // The folder counts too: the write-ahead log stands beside the file.
    return new UnjamError("UNJAM_STORE_READ_ONLY", { file }, cause);
  }
  if (!isWritable(folder)) {
    return new UnjamError("UNJAM_STORE_FOLDER_MISSING", { file, folder }, cause);
  }
  const bytes = Buffer.byteLength(file);
  if (bytes > PATH_BYTES_MAX) {
    const reason = `the path has ${bytes} bytes, and SQLite takes ${PATH_BYTES_MAX}`;
    return new UnjamError("UNJAM_STORE_PATH_UNUSABLE", { file, reason }, cause);
  }
  const { code, reason } = systemError(file);
  if (code === undefined) return storeError(error, file);
  const isUnusable = UNUSABLE.has(code) || isBrokenLink(file);
  return new UnjamError(
    isUnusable ? "UNJAM_STORE_PATH_UNUSABLE" : "UNJAM_STORE_IO",
    { file, reason },
    cause,
  );
}

/** What the system says to a program that opens the file as SQLite does. */
function systemError(file: string): { readonly code?: unknown; readonly reason: string } {
  try {
    closeSync(openSync(file, "r+"));
    return { reason: "" };
  } catch (error) {
    if (!isError(error) || !("code" in error)) throw error;
    return { code: error.code, reason: error.message };
  }
}

/** A link to a file that is still to be made is followed; one to nowhere never leads to a store. */
function isBrokenLink(file: string): boolean {
  return !existsSync(file) && lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
