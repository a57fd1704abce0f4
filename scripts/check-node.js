// Runs before the tests, and before anything that needs the pinned Node. Plain JavaScript, because
// the Node that must be told off may not know TypeScript.
import { readFileSync } from "fs";

var manifest = JSON.parse(String(readFileSync(new URL("../package.json", import.meta.url))));
var pinned = manifest.devDependencies.node;
if (process.versions.node !== pinned) {
  console.error(
    "unjam is developed on Node " +
      pinned +
      ", and this is " +
      process.versions.node +
      ": start it through npm (npm test, npm start) after `npm ci`, or run `npm rebuild node` if npm skipped its install script.",
  );
  process.exitCode = 1;
}
