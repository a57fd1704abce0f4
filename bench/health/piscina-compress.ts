import type { CompressOrder } from "../../examples/media-api/compress-order.ts";
import { compressImage } from "../../examples/media-api/image-compressor.ts";
import { MediaStore, type Upload } from "../../examples/media-api/media-store.ts";
import { dataFolderIn } from "../../examples/media-api/settings.ts";

export type CompressOrderOfUpload = Upload & CompressOrder;

export interface CompressedUpload {
  readonly url: string;
  readonly bytes: number;
  readonly bytesBefore: number;
  readonly width: number;
  readonly height: number;
}

const media = new MediaStore(dataFolderIn(process.env));

/** What the task `compress` of the media API does, without a queue around it. */
async function compressUpload({
  id,
  bytes: bytesBefore,
  ...order
}: CompressOrderOfUpload): Promise<CompressedUpload> {
  const input = await media.readUpload(id);
  if (input === undefined) throw new Error("the upload is gone");
  const { data, width, height } = await compressImage(input, order, () => undefined);
  await media.saveImage(id, data);
  await media.removeUpload(id);
  return { url: `/api/v1/media/${id}`, bytes: data.length, bytesBefore, width, height };
}

// oxlint-disable-next-line import/no-default-export -- piscina's contract.
export default compressUpload;
