import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isNodeSupported, NODE_NEEDED } from "./node-version.ts";

it("the Node that is named is the one that package.json names", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");

  expect(JSON.parse(text)).toMatchObject({ engines: { node: NODE_NEEDED } });
});

it.each(["v22.22.3", "v22.23.0", "v24.15.0", "v24.21.0", "v25.0.0", "v26.1.0"])(
  "Node %s is supported",
  (version) => {
    expect(isNodeSupported(version)).toBe(true);
  },
);

it.each(["v18.20.8", "v20.20.2", "v22.22.2", "v22.9.9", "v23.11.0", "v24.14.9"])(
  "Node %s is not supported",
  (version) => {
    expect(isNodeSupported(version)).toBe(false);
  },
);
