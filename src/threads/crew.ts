/**
 * The threads or child processes of one owner: who works, who is a warm spare, and who leaves while
 * another has its place already. What they do, and how one knows of it, is the owner's matter.
 */
import type { Timers } from "../core/clock.ts";
import { TERMINATE_MS_MAX } from "../core/limits.ts";
import type { SlotState } from "./thread-slot.ts";

/** `spare`: warm, and given no work. `leaving`: another has its place; it may finish what it has. */
export type Role = "member" | "spare" | "leaving";

export interface CrewMember {
  readonly number: number;
  readonly slot: { readonly state: SlotState; end(): Promise<void> };
  role: Role;
}

export class Crew<Member extends CrewMember> {
  readonly #timers: Timers;
  readonly #start: (role: Role) => Member;
  readonly #all = new Map<number, Member>();

  /** @param start a new thread or process, in this role. */
  constructor(timers: Timers, start: (role: Role) => Member) {
    this.#timers = timers;
    this.#start = start;
  }

  get(number: number): Member | undefined {
    return this.#all.get(number);
  }

  get all(): Iterable<Member> {
    return this.#all.values();
  }

  /** Those who have this role now. */
  in(role: Role): readonly Member[] {
    const found: Member[] = [];
    for (const member of this.#all.values()) if (member.role === role) found.push(member);
    return found;
  }

  count(role: Role): number {
    let count = 0;
    for (const member of this.#all.values()) if (member.role === role) count++;
    return count;
  }

  /** One more member: a spare if there is one, the warmest first. */
  enlist(): Member {
    const spares = this.in("spare");
    const spare = spares.find(({ slot }) => slot.state !== "starting") ?? spares[0];
    if (spare === undefined) return this.#hire("member");
    spare.role = "member";
    return spare;
  }

  /** One more spare. */
  warm(): void {
    this.#hire("spare");
  }

  #hire(role: Role): Member {
    const member = this.#start(role);
    this.#all.set(member.number, member);
    return member;
  }

  /** It is gone, or as good as gone. False when that was known. */
  forget({ number }: Member): boolean {
    return this.#all.delete(number);
  }

  /** Ends one that nobody misses. */
  dismiss(member: Member): void {
    this.forget(member);
    void member.slot.end();
  }

  /**
   * Ends one that may sit in native code, where nothing can end it. `left` is called when it is left
   * behind for as long as it likes, and `freed` if it ends after all.
   */
  end(member: Member, { left, freed }: { left: () => void; freed?: () => void }): void {
    this.forget(member);
    let isLeft = false;
    const timer = this.#timers.after(TERMINATE_MS_MAX, () => {
      isLeft = true;
      left();
    });
    void member.slot.end().then(() => {
      timer.cancel();
      if (isLeft) freed?.();
    });
  }

  /** Ends all. Resolves when they are gone, those in native code maybe never. */
  async close(): Promise<void> {
    const all = [...this.#all.values()];
    this.#all.clear();
    await Promise.all(all.map(({ slot }) => slot.end()));
  }
}
