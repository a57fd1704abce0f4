import type { Logger } from "../core/job-context.ts";
import { WAITERS_MAX_DEFAULT } from "../core/limits.ts";
import { readLogger } from "../core/logger.ts";
import { invalid, readOptions, readSignal } from "../core/options.ts";
import { type Overflow, type OverflowOption, readOverflow } from "../core/overflow.ts";
import { RestartBudget, type RestartBounds } from "../core/restart-budget.ts";
import {
  CONSUME_OPTIONS,
  ITEMS_OPTIONS,
  type ConsumeOptionValues,
  JOINABLE_QUEUE_OPTIONS,
  type JoinableQueueOptionValues,
  PUT_OPTIONS,
  RESTART_OPTIONS,
  WAIT_OPTIONS,
} from "../core/sync-option-tables.ts";
import type { Diagnostics } from "./call-site.ts";
import type { Order } from "./item-order.ts";
import { defaultSyncPorts, type SyncPorts } from "./sync-ports.ts";

/** How a queue is made. docs/reference/options.md has units and bounds. */
export interface JoinableQueueOptions<T> {
  /** What errors and reports call it: 1 to 128 letters, digits and `. _ : / -`. Default "queue". */
  readonly name?: string;
  /**
   * Items that may wait in it, 1 to 100,000,000; those that somebody holds do not count. Default
   * 100,000.
   */
  readonly capacity?: number;
  /** Default "fifo". `{ by }` gives a value its rank, once, when it is put; the lowest is next. */
  readonly order?: Order<T>;
  /** What a put does while the queue is full, when it does not say itself. Default "wait". */
  readonly whenFull?: OverflowOption;
  /**
   * Callers that may wait for room, and as many more for an item, 0 to 1,000,000; the next is
   * refused. Loops count as well, but are not refused. Default the capacity, at most 1,000.
   */
  readonly waitersMax?: number;
  /** How often the code that takes an item is noted: see {@link Diagnostics}. */
  readonly diagnostics?: Diagnostics;
  /** A value in a few words, for reports. By default its type, and texts and numbers themselves. */
  readonly describe?: (value: T) => string;
  /** Where warnings go: a pino-shaped logger. By default `console`. */
  readonly logger?: Logger;
  /** Time, timers and chance, for tests. */
  readonly ports?: Partial<SyncPorts>;
}

/** One wait. Its deadline and its signal end the wait, not what others do meanwhile. */
export interface WaitOptions {
  /**
   * How long the call may wait, in milliseconds, 0 or more. Default 30,000. 0 takes what is there,
   * and does not stay for what is not. `Infinity`, which must be written, waits for ever.
   */
  readonly waitMs?: number;
  /** Ends the wait with the signal's reason; one that is aborted before refuses the call. */
  readonly signal?: AbortSignal;
}

/** One put or ask. `waitMs` of a put is for the wait for room; of an ask, for the answer too. */
export interface PutOptions extends WaitOptions {
  /** What this call does when the queue is full. Default what the queue was told, else "wait". */
  readonly whenFull?: OverflowOption;
}

/** A loop over a queue. */
export interface ItemsOptions {
  /** What reports call it. Default "loop-1", "loop-2" … */
  readonly name?: string;
  /** How long it may wait for each item, in milliseconds, 0 or more. For ever unless given. */
  readonly waitMs?: number;
  /** Ends the loop with the signal's reason, when it waits or asks for its next item. */
  readonly signal?: AbortSignal;
}

/** How the items of a queue are consumed. */
export interface ConsumeOptions<T> {
  /** Handlers that run at once, 1 to 100,000. Default 1: one after the other, in order. */
  readonly concurrency?: number;
  /**
   * How many throws within `perMs` the consumer survives; one more ends it: it is dead. What is
   * left out of it is 10 throws, and 60,000 ms. Without `restarts` any number: that an item fails
   * says nothing about the consumer.
   */
  readonly restarts?: Partial<RestartBounds>;
  /** Hears of each item whose handler threw. If it throws itself, the consumer ends: it is dead. */
  readonly onError?: (error: unknown, value: T) => void | Promise<void>;
  /** What reports call it. Default "consumer-1", "consumer-2" … */
  readonly name?: string;
  /** Stops the consumer at once: see `consumer.stop({ graceMs: 0 })`. */
  readonly signal?: AbortSignal;
}

/** The options of a queue, read and checked. */
export interface QueueSettings<T> {
  readonly name: string;
  readonly capacity: number;
  readonly order: Order<T>;
  readonly whenFull: Overflow;
  readonly waitersMax: number;
  readonly diagnostics: Diagnostics | undefined;
  readonly describe: ((value: T) => string) | undefined;
  readonly logger: Logger | undefined;
  readonly ports: SyncPorts;
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID */
export function readQueueOptions<T>(options: JoinableQueueOptions<T>): QueueSettings<T> {
  const where = "JoinableQueue";
  // Each option is read once: a getter may answer something else when it is asked again.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the table leaves open is checked below or was typed by the caller.
  const given = readOptions(JOINABLE_QUEUE_OPTIONS, options, where) as JoinableQueueOptionValues &
    Pick<JoinableQueueOptions<T>, "order" | "describe" | "ports">;
  const { name, capacity, diagnostics } = given;
  return {
    ...{ name, capacity, diagnostics },
    order: readOrder(given.order, where),
    whenFull: readOverflow(given.whenFull, where) ?? "wait",
    waitersMax: given.waitersMax ?? Math.min(capacity, WAITERS_MAX_DEFAULT),
    describe: given.describe,
    logger: readLogger(given.logger, where),
    ports: { ...defaultSyncPorts, ...given.ports },
  };
}

function readOrder<T>(order: Order<T> | undefined, where: string): Order<T> {
  if (order === undefined || order === "fifo" || order === "lifo") return order ?? "fifo";
  const by = typeof order === "object" ? order?.by : undefined;
  if (typeof by === "function") return { by };
  throw invalid("order", where, '"fifo", "lifo" or { by: (value) => number }', order);
}

/** One put or ask, read and checked. */
export interface PutSettings {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  /** `undefined`: as the queue was told. */
  readonly whenFull: Overflow | undefined;
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, the reason of a signal that is aborted */
export function readPutOptions(options: PutOptions | undefined, where: string): PutSettings {
  const { waitMs, signal, whenFull } = readOptions(PUT_OPTIONS, options, where);
  return {
    waitMs,
    signal: readLiveSignal(signal, where),
    whenFull: readOverflow(whenFull, where),
  };
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, the reason of a signal that is aborted */
export function readWaitOptions(
  options: WaitOptions | undefined,
  where: string,
): { readonly waitMs: number; readonly signal: AbortSignal | undefined } {
  const { waitMs, signal } = readOptions(WAIT_OPTIONS, options, where);
  return { waitMs, signal: readLiveSignal(signal, where) };
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID */
export function readItemsOptions(options: ItemsOptions | undefined): {
  readonly name: string | undefined;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
} {
  const where = "queue.items()";
  const { name, waitMs, signal } = readOptions(ITEMS_OPTIONS, options, where);
  return { name, waitMs, signal: readSignal(signal, where) };
}

function readLiveSignal(signal: unknown, where: string): AbortSignal | undefined {
  const read = readSignal(signal, where);
  read?.throwIfAborted();
  return read;
}

/** How items are consumed, read and checked. */
export interface ConsumeSettings<T> {
  readonly name: string | undefined;
  readonly concurrency: number;
  /** `null`: any number of throws. */
  readonly budget: (RestartBounds & { readonly spent: RestartBudget }) | null;
  readonly onError: ConsumeOptions<T>["onError"];
  readonly signal: AbortSignal | undefined;
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION */
export function readConsumeOptions<T>(options: ConsumeOptions<T>): ConsumeSettings<T> {
  const where = "queue.consume()";
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table checks that it is a function; the caller typed it.
  const given = readOptions(CONSUME_OPTIONS, options, where) as ConsumeOptionValues &
    Pick<ConsumeOptions<T>, "onError">;
  const { name, concurrency, restarts } = given;
  const bounds =
    restarts === undefined ? null : readOptions(RESTART_OPTIONS, restarts, `${where} restarts`);
  return {
    ...{ name, concurrency },
    budget: bounds === null ? null : { ...bounds, spent: new RestartBudget(bounds) },
    onError: given.onError,
    signal: readSignal(given.signal, where),
  };
}
