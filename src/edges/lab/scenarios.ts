import { lostTaskDone } from "./lost-task-done/scenario.ts";
import type { Scenario } from "./scenario.ts";
import { selfWait } from "./self-wait/scenario.ts";

/** Every scenario of the lab, in the order of its list. */
export const SCENARIOS: readonly Scenario[] = [lostTaskDone, selfWait];
