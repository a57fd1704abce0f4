export { isUnjamError, UnjamError } from "../core/errors.ts";
export type { ItemFormat } from "./shared/item-codec.ts";
export type { SharedHolder } from "./shared/queue-engine.ts";
export type { SharedQueueHandle } from "./shared/queue-memory.ts";
export type { SharedQueueOptions } from "./shared/queue-options.ts";
export type { SharedLease } from "./shared/shared-lease.ts";
export { SharedQueue } from "./shared/shared-queue.ts";
export type { SharedQueueSnapshot } from "./shared/shared-queue.ts";
export type { BlockingWaitOptions, SharedWaitOptions } from "./shared/wait-terms.ts";
