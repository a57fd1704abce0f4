export type { Clock, MonotonicMs, Random, Timer, TimerOptions, Timers } from "../core/clock.ts";
export { isUnjamError, UnjamError } from "../core/errors.ts";
export type { Overflow, OverflowOption } from "../core/overflow.ts";
export type { RestartBounds } from "../core/restart-budget.ts";
export type { SiteKind } from "../core/site-words.ts";
export type { CallSite, Diagnostics } from "./call-site.ts";
export type { Consume, ConsumeContext, Consumer } from "./consumer.ts";
export type { FormerHolder, Guard } from "./guard.ts";
export type { Holder } from "./holders.ts";
export type { Order } from "./item-order.ts";
export { JoinableQueue } from "./joinable-queue.ts";
export type { QueueSnapshot } from "./joinable-queue.ts";
export type { Lease } from "./lease.ts";
export type { LockEventMap, LockEventName } from "./lock-events.ts";
export type { LockOptions, LockWaitOptions } from "./lock-options.ts";
export type { LockOrder, LockOrderReport, OrderedTaking } from "./lock-order.ts";
export { Mutex } from "./mutex.ts";
export type { Holder as LockHolder } from "./permits.ts";
export type { PutOutcome } from "./putters.ts";
export type {
  ConsumeOptions,
  ItemsOptions,
  JoinableQueueOptions,
  PutOptions,
  WaitOptions,
} from "./queue-options.ts";
export type { QueueEventName, QueueEvents } from "./queue-report.ts";
export type { JoinError, JoinResult } from "./settlements.ts";
export { Semaphore } from "./semaphore.ts";
export type { SyncPorts } from "./sync-ports.ts";
export type { QueueWait } from "./waits.ts";
