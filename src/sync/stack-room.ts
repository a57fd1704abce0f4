/**
 * Words on the stack that a call of this folder may need: about ten frames of a queue, and what
 * the runtime puts under them. 128 were seen to be too few. Each costs half a nanosecond a call, so
 * where nobody is to be woken and nothing is to be waited for a call does without.
 */
const WORDS = 256;
const PADDING: readonly undefined[] = Array.from<undefined>({ length: WORDS });

/**
 * Throws the RangeError of a full stack now, where nothing has been changed yet, and not half-way
 * through a change. A caller who recurses without end and catches that goes on with a queue that
 * is whole.
 * @throws RangeError
 */
export function roomOnStack(): void {
  Reflect.apply(nothing, undefined, PADDING);
}

function nothing(): void {}
