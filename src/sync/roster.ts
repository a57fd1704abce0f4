/** What a roster keeps in its members, so that entering and leaving allocate nothing. */
export interface Member<M> {
  before: M | undefined;
  after: M | undefined;
}

/**
 * Who is in, in the order in which they came. Each can leave at any time, in constant time, and
 * leaves nothing behind. A `Set` does: the table that it outgrows is linked to the next one, and
 * once it has grown old all that passes through stays until the next full collection.
 */
export class Roster<M extends Member<M>> implements Iterable<M> {
  #first: M | undefined;
  #last: M | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Who has been in for longest. */
  get first(): M | undefined {
    return this.#first;
  }

  /** The member must be in no roster. */
  add(member: M): void {
    const last = this.#last;
    member.before = last;
    this.#last = member;
    if (last === undefined) this.#first = member;
    else last.after = member;
    this.#size++;
  }

  /** False when it was not in. */
  delete(member: M): boolean {
    const { before, after } = member;
    if (before === undefined && this.#first !== member) return false;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // Or one that is kept somewhere would keep all that came after it.
    member.before = undefined;
    member.after = undefined;
    this.#size--;
    return true;
  }

  /** It must not change while it is walked. */
  *[Symbol.iterator](): Iterator<M> {
    for (let member = this.#first; member !== undefined; member = member.after) yield member;
  }
}
