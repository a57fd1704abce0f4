/** How many links of the chain take `targetMs` of CPU here: by the fastest of a few tries, as an idle machine would. */
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report } from "../measure/probe.ts";
import { burn } from "./burn.ts";

const LINKS = 20_000;
const TRIES = 7;

burn(LINKS);
const triesMs = Array.from({ length: TRIES }, () => {
  const startedAt = monotonicMs();
  burn(LINKS);
  return monotonicMs() - startedAt;
});
report({ links: Math.round((LINKS * countSetting("targetMs")) / Math.min(...triesMs)) });
