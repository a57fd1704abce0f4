import { drawJobStates, JOB_STATES, STATE_FACTS } from "../../src/core/job-state.ts";
import { markdownTable, referencePage } from "./page.ts";
import type { ReferencePage } from "./page.ts";

export function jobStatesPage(): ReferencePage {
  const yes = (fact: boolean): string => (fact ? "yes" : "");
  const rows = JOB_STATES.map((state) => {
    const facts = STATE_FACTS[state];
    return [`\`${state}\``, yes(facts.waiting), yes(facts.holdsLease), yes(facts.settled)];
  });
  return referencePage("job-states", [
    "# Job states",
    "Every move that a job can make. What is not drawn here cannot happen, in any store.",
    ["```mermaid", drawJobStates(), "```"].join("\n"),
    "A settled job moves again only when an operator retries it.",
    markdownTable(["state", "counts against the capacity", "holds a lease", "settled"], rows),
  ]);
}
