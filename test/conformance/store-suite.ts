import { describe } from "vitest";
import { addFacts } from "./add-facts.ts";
import { capacityFacts } from "./capacity-facts.ts";
import { claimFacts } from "./claim-facts.ts";
import { dropFacts } from "./drop-facts.ts";
import { numberFacts } from "./number-facts.ts";
import { operatorFacts } from "./operator-facts.ts";
import { ownerFacts } from "./owner-facts.ts";
import { type OpenScene, type OpenStore, Scene } from "./scene.ts";
import { settleFacts } from "./settle-facts.ts";
import { stateFacts } from "./state-facts.ts";
import { suspectFacts } from "./suspect-facts.ts";
import { timeFacts } from "./time-facts.ts";
import { waitFacts } from "./wait-facts.ts";

/**
 * The contract of `Store`, as facts. Each store's own test file is one call to this; a bug of any
 * store is added here first. The clock is moved by hand, so no test waits and none is timed.
 */
export function describeStore(name: string, open: OpenStore): void {
  const openScene: OpenScene = () => Scene.open(open);
  describe(`${name} keeps the store contract`, () => {
    addFacts(openScene);
    numberFacts(openScene);
    capacityFacts(openScene);
    dropFacts(openScene);
    claimFacts(openScene);
    settleFacts(openScene);
    suspectFacts(openScene);
    waitFacts(openScene);
    timeFacts(openScene);
    operatorFacts(openScene);
    ownerFacts(openScene);
    stateFacts(openScene);
  });
}
