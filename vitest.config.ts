import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import { shareCompiledCode } from "./test/compile-cache.ts";

shareCompiledCode();

/** Programs that measure, that kill within a time, or that keep every core busy by themselves. */
const ALONE = [
  "test/chaos/{hang,job-process,kill,quarantine,thread-death,two-builds}.test.ts",
  "test/threads/{death,locks,stress,stuck-calls}.test.ts",
  "test/systems/{compute-api,image-resizer,media-api,transcription-server}.test.ts",
  "test/e2e/{behaviour-blocks,behaviour-late,cli-start,media-api-acceptance}.test.ts",
];

/**
 * Six projects, run one group after the other: a test that measures or kills must not share the
 * machine's two cores with another, nor with a package being installed.
 *
 *     npx vitest run --project unit src/core
 */
const config: ViteUserConfig = defineConfig({
  test: {
    // A test that never ends is a failure with a name, not a build that hangs.
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    maxWorkers: 2,
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "json"],
    outputFile: { json: "coverage/vitest.json" },
    coverage: { include: ["src/**/*.ts"], exclude: ["src/**/*.test.ts"] },
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/{conformance,sync}/**/*.test.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "architecture",
          include: ["test/architecture/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          // Not run but compiled: a test fails when its types do.
          name: "types",
          typecheck: {
            enabled: true,
            only: true,
            include: ["test/types/**/*.test-d.ts"],
            tsconfig: "tsconfig.json",
          },
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          // Whole programs, two at a time: they state what happens, not how fast.
          name: "program",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/{conformance,sync,architecture,frameworks,package,types}/**",
            "**/*.root.test.ts",
            "**/fixtures/**",
            ...ALONE,
          ],
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "system",
          include: ALONE,
          exclude: ["**/*.root.test.ts", "**/fixtures/**"],
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          globalSetup: ["test/package/install-packed.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});

export default config;
