import { type AddOrder, plainOrder } from "../../src/core/enqueue-order.ts";
import type { JobShape } from "../../src/core/job.ts";
import { someFacts } from "../runtime/job-builders.ts";

/** The order of a plain enqueue of task "send" to queue "mail", but for what is given. */
export function someOrder(
  overrides: Partial<Omit<AddOrder, "shape">> & { readonly shape?: Partial<JobShape> } = {},
): AddOrder {
  const plain = plainOrder(someFacts(), undefined);
  return { ...plain, ...overrides, shape: { ...plain.shape, ...overrides.shape } };
}
