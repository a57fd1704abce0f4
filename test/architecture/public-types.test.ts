import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { isolatedDeclarationSync } from "rolldown/experimental";
import { parseSync } from "rolldown/utils";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const MAIN = "src/index.ts";
/** What a doc comment says of a member that users are not to call: its types are not theirs. */
const NOT_PUBLIC = /not for users/i;

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Origin {
  readonly path: string;
  readonly name: string;
}

/** One module as TypeScript shows it to others. */
class Declarations {
  readonly text: string;
  readonly comments: readonly Node[];
  /** Top-level declarations by name. */
  readonly declared = new Map<string, Node>();
  /** Local names of what comes from other modules of ours. */
  readonly imported = new Map<string, Origin>();
  /** Exported names and where they come from. */
  readonly exported = new Map<string, Origin>();

  constructor(text: string, comments: readonly Node[]) {
    this.text = text;
    this.comments = comments;
  }

  note(path: string, statement: Node): void {
    const { source, declaration, type } = statement;
    const from = isNode(source) ? String(source["value"]) : undefined;
    const origin = from === undefined ? path : posix.join(posix.dirname(path), from);
    for (const specifier of nodesIn(statement["specifiers"])) {
      const [local, outer] =
        type === "ImportDeclaration" ? ["imported", "local"] : ["local", "exported"];
      const name = identifier(specifier[local]) ?? "default";
      const target = type === "ImportDeclaration" ? this.imported : this.exported;
      if (from === undefined || from.startsWith("."))
        target.set(identifier(specifier[outer]) ?? name, { path: origin, name });
    }
    const declared = isNode(declaration) ? declaration : statement;
    const name = identifier(declared["id"]);
    if (name === undefined) return;
    this.declared.set(name, declared);
    if (type.startsWith("Export")) this.exported.set(name, { path, name });
  }
}

const modules = new Map<string, Declarations>();

/** Entries of the package that are code, as sources. */
const entries = Object.entries(exportsOfPackage()).flatMap(([entry, target]) => {
  const types: unknown =
    typeof target === "object" && target !== null ? Reflect.get(target, "types") : null;
  if (typeof types !== "string") return [];
  return [{ entry, path: types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts") }];
});

describe("a public entry", () => {
  it.each(entries)("exports every type that its signatures name: $entry", ({ path }) => {
    const { exported } = declarationsOf(path);
    // Whoever imports another entry has "unjam" too.
    const known = new Set([path, MAIN].flatMap((module) => exportedKeys(module)));

    const missing = [...exported].flatMap(([name, origin]) =>
      typesNamedBy(origin)
        .filter((type) => !known.has(keyOf(type)))
        .map((type) => `${name} names ${type.name} of ${type.path}`),
    );

    expect(missing).toEqual([]);
  });
});

function exportsOfPackage(): object {
  const manifest: unknown = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const value: unknown = Reflect.get(Object(manifest), "exports");
  return typeof value === "object" && value !== null ? value : {};
}

function exportedKeys(path: string): string[] {
  return [...declarationsOf(path).exported.values()].map(keyOf);
}

function keyOf({ path, name }: Origin): string {
  return `${path}#${name}`;
}

/** The types of ours that the declaration of an exported name mentions where users see it. */
function typesNamedBy({ path, name }: Origin): Origin[] {
  const { declared, imported, text, comments } = declarationsOf(path);
  const declaration = declared.get(name);
  if (declaration === undefined) throw new Error(`${path} does not declare ${name}`);
  const isForUsers = (node: Node): boolean =>
    node["accessibility"] !== "private" && !NOT_PUBLIC.test(commentBefore(node, text, comments));
  const names = new Set<string>();
  visit(declaration, isForUsers, (node) => {
    const named = nameIn(node);
    if (named !== undefined) names.add(named);
  });
  return [...names].flatMap((used) => {
    if (declared.has(used)) return [{ path, name: used }];
    return imported.get(used) ?? [];
  });
}

/** The name that a node mentions as a type or as what it extends. */
function nameIn(node: Node): string | undefined {
  switch (node.type) {
    case "TSTypeReference":
      return identifier(node["typeName"]);
    case "TSInterfaceHeritage":
    case "TSClassImplements":
      return identifier(node["expression"]);
    case "ClassDeclaration":
      return identifier(node["superClass"]);
    default:
      return undefined;
  }
}

function identifier(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? String(node["name"]) : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function nodesIn(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Depth first; what `enter` refuses is left out with all that is in it. */
function visit(node: Node, enter: (node: Node) => boolean, see: (node: Node) => void): void {
  if (!enter(node)) return;
  see(node);
  for (const value of Object.values(node)) {
    const children = isNode(value) ? [value] : nodesIn(value);
    for (const child of children) visit(child, enter, see);
  }
}

/** The comment that ends right before a node. */
function commentBefore({ start }: Node, text: string, comments: readonly Node[]): string {
  const before = comments.findLast(({ end }) => end <= start);
  if (before === undefined || text.slice(before.end, start).trim() !== "") return "";
  return text.slice(before.start, before.end);
}

function declarationsOf(path: string): Declarations {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const source = readFileSync(new URL(path, root), "utf8");
  const { code: text, errors } = isolatedDeclarationSync(path, source, { stripInternal: false });
  if (errors.length > 0) throw new Error(`${path}: ${String(errors[0]?.message)}`);
  const { program, comments } = parseSync(`${path.slice(0, -3)}.d.ts`, text);
  const found = new Declarations(text, nodesIn(comments));
  modules.set(path, found);
  for (const statement of program.body) if (isNode(statement)) found.note(path, statement);
  return found;
}
