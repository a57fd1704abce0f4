import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

/**
 * The small app of docs/frameworks.md inside each framework. Apart from the other tests, because
 * these install packages from npm: `npm test` must do without a network.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    name: "frameworks",
    include: ["test/frameworks/**/*.test.ts"],
    globalSetup: ["test/package/install-packed.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 20_000,
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "json"],
    outputFile: { json: "coverage/vitest-frameworks.json" },
  },
});

export default config;
