export { isUnjamError, UnjamError } from "../core/errors.ts";
export type { CallContext } from "./pool/call-context.ts";
export type { Call, CallResult, Calls } from "./pool/calls.ts";
export type { DurationStats } from "./pool/histogram.ts";
export type { CallOptions, PoolPorts, ThreadPoolOptions } from "./pool/pool-options.ts";
export type { PoolStats } from "./pool/pool-stats.ts";
export { ThreadPool } from "./pool/thread-pool.ts";
export { transfer } from "./pool/transfer.ts";
export type { Transferred } from "./pool/transfer.ts";
