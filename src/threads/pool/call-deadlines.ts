import type { MonotonicMs } from "../../core/clock.ts";
import type { Call } from "./call.ts";

/** Calls of one length of time, oldest first: they end in the order they began. */
export interface DeadlineList {
  readonly lengthMs: number;
  first: Call | undefined;
  last: Call | undefined;
}

/**
 * Deadlines without a timer each. Unlike DeadlineLanes, a call is unlinked when it ends: at half a
 * million calls a second one long call at the head would otherwise keep all that came behind it.
 */
export class CallDeadlines {
  readonly #lists = new Map<number, DeadlineList>();
  #recent: DeadlineList | undefined;

  add(call: Call, lengthMs: number, now: MonotonicMs): void {
    const list = this.#recent?.lengthMs === lengthMs ? this.#recent : this.#listOf(lengthMs);
    this.#recent = list;
    call.list = list;
    call.endsAt = now + lengthMs;
    call.previous = list.last;
    if (list.last === undefined) list.first = call;
    else list.last.next = call;
    list.last = call;
  }

  #listOf(lengthMs: number): DeadlineList {
    const found = this.#lists.get(lengthMs);
    if (found !== undefined) return found;
    const made: DeadlineList = { lengthMs, first: undefined, last: undefined };
    this.#lists.set(lengthMs, made);
    return made;
  }

  remove(call: Call): void {
    const { list, previous, next } = call;
    if (list === undefined) return;
    if (previous === undefined) list.first = next;
    else previous.next = next;
    if (next === undefined) list.last = previous;
    else next.previous = previous;
    call.list = call.previous = call.next = undefined;
  }

  /** Takes all whose time has come. */
  due(now: MonotonicMs): Call[] {
    const due: Call[] = [];
    for (const list of this.#lists.values()) {
      for (let call = list.first; call !== undefined && call.endsAt <= now; call = list.first) {
        this.remove(call);
        due.push(call);
      }
    }
    return due;
  }

  /** When the next one ends; `null` when none is there. Forgets lengths that nobody uses. */
  nextAt(): MonotonicMs | null {
    let next: MonotonicMs | null = null;
    for (const [lengthMs, list] of this.#lists) {
      const at = list.first?.endsAt;
      if (at === undefined) {
        this.#lists.delete(lengthMs);
        if (this.#recent === list) this.#recent = undefined;
      } else if (next === null || at < next) next = at;
    }
    return next;
  }
}
