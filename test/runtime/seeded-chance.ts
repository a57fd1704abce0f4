/** Chance that a seed repeats: the same seed, the same choices. */
export class SeededChance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1); mulberry32. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A whole number from 0 to `max`, both included. */
  upTo(max: number): number {
    return Math.floor(this.next() * (max + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.upTo(choices.length - 1)];
    if (choice === undefined) throw new Error("there is nothing to choose from");
    return choice;
  }
}

/** The seed of this run: UNJAM_SEED, or a new one. Print it in the test's name. */
export const SEED: number = Number(
  process.env["UNJAM_SEED"] ?? Math.floor(Math.random() * 2 ** 31),
);
