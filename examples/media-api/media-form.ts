import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { type CompressOrder, readCompressOrder } from "./compress-order.ts";
import type { MediaStore, Upload } from "./media-store.ts";
import { RequestError } from "./request-error.ts";
import type { Settings } from "./settings.ts";
import { isSystemError } from "./system-error.ts";

const FILE_FIELD = "file";

/**
 * Reads a form while it arrives: its file goes to the disk as it comes, and the fields may stand
 * before or after it. Nothing stays on the disk unless all of it is good.
 * @throws RequestError 400, 413 (too large, or more than one file)
 */
export async function readMediaForm(
  request: FastifyRequest,
  media: MediaStore,
  { uploadBytesMax }: Settings,
): Promise<Upload & CompressOrder> {
  let upload: Upload | undefined;
  const fields = new Map<string, unknown>();
  try {
    for await (const part of parts(request)) {
      if (part.type === "field") {
        fields.set(part.fieldname, part.value);
        continue;
      }
      checkFile(part);
      upload = await media.saveUpload(part.file);
    }
    if (upload === undefined) throw noFile("the form has none");
    if (upload.bytes === 0) throw new RequestError(400, "EMPTY_FILE", "the file is empty");
    const [width, quality] = [fields.get("width"), fields.get("quality")];
    return { ...upload, ...readCompressOrder({ width, quality }) };
  } catch (error) {
    if (upload !== undefined) await media.removeUpload(upload.id);
    throw isMalformed(error) ? badForm(error) : (refusal(error, uploadBytesMax) ?? error);
  }
}

/** What the plugin's limits refuse, said for whoever sent it. */
function refusal(error: unknown, uploadBytesMax: number): RequestError | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_FILES_LIMIT") {
    return new RequestError(413, "TOO_MANY_FILES", "send one file; this form has more");
  }
  if (code === "FST_REQ_FILE_TOO_LARGE") {
    const message = `the file has more than ${uploadBytesMax} bytes`;
    return new RequestError(413, "FILE_TOO_LARGE", message);
  }
  return undefined;
}

function parts(request: FastifyRequest): AsyncIterable<Multipart> {
  return request.parts();
}

function checkFile(part: MultipartFile): void {
  if (part.fieldname === FILE_FIELD) return;
  part.file.resume();
  throw noFile(`this one is in "${part.fieldname}"`);
}

function noFile(what: string): RequestError {
  return new RequestError(400, "NO_FILE", `send the image as a file in field "file"; ${what}`);
}

/** The parser's errors about the form itself are plain ones: no status, no code of a disk. */
function isMalformed(error: unknown): error is Error {
  return error instanceof Error && !("statusCode" in error) && !isSystemError(error);
}

function badForm(error: Error): RequestError {
  return new RequestError(400, "BAD_FORM", `not a form that can be read: ${error.message}`);
}
