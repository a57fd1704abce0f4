const WORDS = ["queue", "worker", "lease", "store", "token"];

/** 24 texts of 500 words. */
export const TEXTS: readonly string[] = Array.from({ length: 24 }, (_, n) =>
  Array.from({ length: 500 }, (_word, index) => WORDS[(index * (n + 1)) % WORDS.length]).join(" "),
);
