export { isUnjamError, UnjamError } from "../core/errors.ts";
export type { CallSite, Diagnostics } from "./call-site.ts";
export type { Consume, ConsumeContext, Consumer } from "./consumer.ts";
export type { Holder } from "./holders.ts";
export type { Order } from "./item-order.ts";
export { JoinableQueue } from "./joinable-queue.ts";
export type { QueueSnapshot } from "./joinable-queue.ts";
export type { Lease } from "./lease.ts";
export type { PutOutcome } from "./putters.ts";
export type {
  ConsumeOptions,
  JoinableQueueOptions,
  PutOptions,
  WaitOptions,
} from "./queue-options.ts";
export type { QueueEventName, QueueEvents } from "./queue-report.ts";
export type { JoinError, JoinResult } from "./settlements.ts";
export type { SyncPorts } from "./sync-ports.ts";
