import type { MonotonicMs } from "../core/clock.ts";
import type { AddOrder } from "../core/enqueue-order.ts";
import type { JobNumber } from "../core/job.ts";
import type { AddRequest } from "../runtime/messages.ts";

/** The one caller of jobs that are stored together: a promise for each of them would be garbage. */
export interface Whole<Answer> {
  readonly caller: PromiseWithResolvers<Answer[]>;
  readonly answers: (Answer | undefined)[];
}

export interface PendingGroup<Answer> {
  request: AddRequest;
  readonly order: AddOrder;
  /** Empty while the numbers are being drawn. */
  ids: JobNumber[];
  payloads: string[];
  /** One per job, `undefined` once it has its answer; or one for all. */
  callers: (PromiseWithResolvers<Answer> | undefined)[];
  whole: Whole<Answer> | undefined;
  left: number;
  isAnswered: boolean;
  readonly since: MonotonicMs;
}

/** Keeps only the jobs that have no answer yet. */
export function forgetAnswered<Answer>(group: PendingGroup<Answer>): void {
  const { ids, payloads, callers, whole } = group;
  if (whole !== undefined || group.left === ids.length) return;
  const isOpen = (_: unknown, index: number): boolean => callers[index] !== undefined;
  group.ids = ids.filter(isOpen);
  group.payloads = payloads.filter(isOpen);
  group.callers = callers.filter(isOpen);
}

/** Resolves the one caller with the last answer. */
export function noteAnswer<Answer>(
  { caller, answers }: Whole<Answer>,
  {
    index,
    answer,
    isLast,
  }: { readonly index: number; readonly answer: Answer; readonly isLast: boolean },
): void {
  answers[index] = answer;
  if (isLast) caller.resolve(answers.filter((one) => one !== undefined));
}
