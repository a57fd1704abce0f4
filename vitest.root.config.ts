import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import { shareCompiledCode } from "./test/compile-cache.ts";

shareCompiledCode();

/**
 * What needs root on Linux: injected disk errors (strace), mounts, power cuts. Apart from the
 * other tests, because `npm test` must pass on a machine with nothing but Node; where root or
 * strace is missing these fail by name.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    name: "root",
    include: ["test/**/*.root.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "json"],
    outputFile: { json: "coverage/vitest-root.json" },
  },
});

export default config;
