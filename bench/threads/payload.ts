/** What is sent there and back; `undefined` for the tiny call, which has an input of its own. */
export function payload(name: string): unknown {
  if (name === "tiny") return undefined;
  const [kind, size] = name.split("-");
  const bytes = Number(size);
  if (kind === "bytes") return new Uint8Array(bytes).fill(7);
  if (kind === "objects") return rows(bytes);
  throw new Error(`no payload "${name}"`);
}

/** Rows as a database gives them, about this long as JSON. */
function rows(bytes: number): unknown {
  const row = {
    id: 1_234_567,
    name: "Ada Lovelace",
    isActive: true,
    tags: ["a", "b"],
    score: 0.25,
  };
  const count = Math.max(1, Math.round(bytes / JSON.stringify(row).length));
  return Array.from({ length: count }, (_, index) => ({ ...structuredClone(row), id: index }));
}
