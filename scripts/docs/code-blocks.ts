import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A piece of documentation that can be run, or says why it is not: a fenced block of a Markdown
 * page, or an `@example` of a source file.
 */
export interface CodeBlock {
  /** From the root of the project. */
  readonly page: string;
  /** Of the opening fence or of the `@example`; 1 is the first. */
  readonly line: number;
  /** What the block is written to: its title, or a name made from its line. */
  readonly file: string;
  readonly kind: "node" | "shell";
  readonly text: string;
  /** Why it is not run; `null` when it is. */
  readonly excuse: string | null;
}

const FENCE =
  /^(?<indent> *)```(?<language>\w+)?(?<info>[^\n`]*)\n(?<text>[\s\S]*?)^\k<indent>```\s*$/gm;

/** Ends with its comment, or at the next tag. */
const EXAMPLE = /^(?<indent> *)\* @example\n(?<text>(?:\k<indent>\*(?!\/| @).*\n)+)/gm;

const ENDINGS: Readonly<Record<string, string>> = {
  ts: ".ts",
  typescript: ".ts",
  mts: ".mts",
  cts: ".cts",
  js: ".js",
  javascript: ".js",
  mjs: ".mjs",
  cjs: ".cjs",
};

/** README.md, docs/ without what is generated, and the sources that have an `@example`. */
export function documentedPages(root: string): readonly string[] {
  const pages = globSync(["README.md", "docs/**/*.md", "src/**/*.ts"], { cwd: root });
  return pages
    .filter((page) => !page.startsWith("docs/reference/") && !page.endsWith(".test.ts"))
    .filter((page) => page.endsWith(".md") || readCodeBlocks(root, page).length > 0)
    .toSorted();
}

/**
 * The blocks that a reader could copy and run: every `@example` of a source file; every ts and js
 * block of a Markdown page, and its sh blocks marked `run`. A ts or js block may excuse itself with
 * `no-run reason="…"`, and must give the reason.
 * @throws when an excuse has no reason, or an `@example` is not written as one that can be found.
 */
export function readCodeBlocks(root: string, page: string): readonly CodeBlock[] {
  const source = readFileSync(join(root, page), "utf8");
  return page.endsWith(".md") ? readFences(source, page) : readExamples(source, page);
}

function readFences(source: string, page: string): readonly CodeBlock[] {
  return [...source.matchAll(FENCE)].flatMap((match) => {
    const { language = "", info = "", indent = "", text = "" } = match.groups ?? {};
    const ending = ENDINGS[language];
    const isShell = /^(?:sh|bash|shell)$/.test(language) && /\brun\b/.test(info);
    if (ending === undefined && !isShell) return [];

    const line = lineAt(source, match.index);
    const title = /\btitle="([^"]+)"/.exec(info)?.[1];
    return [
      {
        page,
        line,
        file: title ?? `block-${line}${ending ?? ".sh"}`,
        kind: isShell ? "shell" : "node",
        text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
        excuse: isShell ? null : excuseIn(info, `${page}:${line}`),
      } satisfies CodeBlock,
    ];
  });
}

function readExamples(source: string, page: string): readonly CodeBlock[] {
  const examples = [...source.matchAll(EXAMPLE)].map((match) => {
    const { indent = "", text = "" } = match.groups ?? {};
    const line = lineAt(source, match.index);
    return {
      ...{ page, line, file: `block-${line}.ts`, kind: "node", excuse: null },
      text: text.replaceAll(new RegExp(`^${indent}\\* ?`, "gm"), ""),
    } satisfies CodeBlock;
  });
  // One that is not found would never be run, and nobody would notice.
  const tags = source.match(/(?<!\w)@example\b/g) ?? [];
  if (examples.length !== tags.length) {
    throw new SyntaxError(`${page}: @example stands alone on its line, with code below it`);
  }
  return examples;
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split("\n").length;
}

function excuseIn(info: string, where: string): string | null {
  if (!/\bno-run\b/.test(info)) return null;
  const reason = /\breason="([^"]+)"/.exec(info)?.[1];
  if (reason === undefined) {
    throw new SyntaxError(`${where}: a block that is not run needs reason="…"`);
  }
  return reason;
}
