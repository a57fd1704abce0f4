#!/usr/bin/env node
// The door to the command line. It is plain old JavaScript because a Node that is too old must be
// able to read it, and say so in one line instead of a syntax error deep inside.
import { existsSync, readFileSync } from "fs";

var manifest = JSON.parse(String(readFileSync(new URL("../package.json", import.meta.url))));

if (satisfies(process.version, manifest.engines.node)) {
  start();
} else {
  console.error(
    "unjam needs Node " + manifest.engines.node + ", and this is " + process.version + ".",
  );
  process.exitCode = 2;
}

function start() {
  var built = new URL("../dist/edges/cli/main.js", import.meta.url);
  // A clone that was not built yet runs from its sources.
  var source = new URL("../src/edges/cli/main.ts", import.meta.url);
  import(existsSync(built) ? built.href : source.href)
    .then(function (cli) {
      return cli.main(process.argv.slice(2));
    })
    .then(function (exitCode) {
      process.exitCode = exitCode;
    })
    .catch(function (error) {
      console.error(error);
      process.exitCode = 1;
    });
}

/** Knows the two forms that package.json uses: ^a.b.c and >=a.b.c, joined by ||. */
function satisfies(version, range) {
  return range.split("||").some(function (part) {
    var needed = numbers(part);
    var actual = numbers(version);
    if (part.trim().charAt(0) === "^" && actual[0] !== needed[0]) return false;
    for (var i = 0; i < 3; i++) {
      if (actual[i] !== needed[i]) return actual[i] > needed[i];
    }
    return true;
  });
}

function numbers(text) {
  return text.match(/\d+/g).slice(0, 3).map(Number);
}
