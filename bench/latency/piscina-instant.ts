import { monotonicMs } from "../measure/monotonic-ms.ts";

/** When this thread got the call. piscina takes the default export. */
// oxlint-disable-next-line import/no-default-export -- piscina's contract.
export default monotonicMs;
