/** `CLOCK_MONOTONIC` in milliseconds: the same clock in every thread and process of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
