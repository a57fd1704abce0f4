/** Jobs on the embedded store: durable before the acknowledgement, from enqueue to settled. */
import type { Case, Suite } from "../suite.ts";
import { backlogCases } from "./backlog-cases.ts";
import { callerCases } from "./caller-cases.ts";
import { resourceCases } from "./resource-cases.ts";
import { steadyCase } from "./steady-case.ts";

export const sqlite: Suite = {
  name: "sqlite",
  about: "jobs on the embedded SQLite store, durable before the acknowledgement",
  plan: async (bench): Promise<readonly Case[]> => [
    ...callerCases(bench),
    ...backlogCases(bench),
    steadyCase(bench),
    ...resourceCases(bench),
  ],
};
