import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

/**
 * `unjam/sync` with every line and branch run by tests that run the same each time: random
 * interleavings (test/sync) find what nobody thought of, and must not be what a branch rests on.
 * What no test can reach is no branch but an `invariant`.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    name: "sync",
    include: ["src/sync/**/*.test.ts"],
    testTimeout: 20_000,
    maxWorkers: 2,
    coverage: {
      enabled: true,
      include: ["src/sync/**/*.ts"],
      exclude: ["**/*.test.ts"],
      reporter: [["text", { skipFull: true }]],
      // Beside the counts of the other runs, which a run clears with its own folder.
      reportsDirectory: "coverage/sync",
      thresholds: { 100: true },
    },
  },
});

export default config;
