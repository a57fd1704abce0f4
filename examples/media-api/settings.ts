import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What the environment can change. */
export interface Settings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Jobs, uploads and finished images. */
  readonly dataFolder: string;
  /** The only folder whose files a request may name by their path. */
  readonly mediaFolder: string;
  readonly uploadBytesMax: number;
  /** Jobs that may wait in each queue. */
  readonly queueCapacity: number;
}

export class SettingError extends Error {
  override readonly name = "SettingError";
}

/** @throws SettingError */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    port: readWhole(env, "PORT", { fallback: 8_002, min: 0, max: 65_535 }),
    dataFolder: dataFolderIn(env),
    mediaFolder: resolve(env["MEDIA_DIR"] || fileURLToPath(new URL("samples", import.meta.url))),
    uploadBytesMax: readWhole(env, "UPLOAD_BYTES_MAX", {
      fallback: 20 * 1_024 * 1_024,
      min: 1,
      max: 2 ** 30,
    }),
    queueCapacity: readWhole(env, "QUEUE_CAPACITY", { fallback: 1_000, min: 1, max: 1_000_000 }),
  };
}

/** Apart from the rest, because job threads need only this. */
export function dataFolderIn(env: NodeJS.ProcessEnv): string {
  return resolve(env["DATA_DIR"] || ".unjam");
}

function readWhole(
  env: NodeJS.ProcessEnv,
  name: string,
  bounds: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const text = env[name];
  if (text === undefined || text === "") return bounds.fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  const range = `${bounds.min} to ${bounds.max}`;
  throw new SettingError(`${name} is a whole number from ${range}, not ${JSON.stringify(text)}`);
}
