/** The payload of every job of this suite, about 60 bytes of JSON. */
export interface ImageJob {
  readonly userId: number;
  readonly path: string;
  readonly w: number;
  readonly h: number;
}

export function imageJob(userId: number): ImageJob {
  return { userId, path: "/images/cat.png", w: 640, h: 480 };
}

/** A job that was there before the measured ones: as large, but told apart by its user. */
export function backlogJob(index: number): ImageJob {
  return imageJob(-1 - index);
}

export function isBacklog({ userId }: ImageJob): boolean {
  return userId < 0;
}
