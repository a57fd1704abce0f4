import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A fenced block of a Markdown page that can be run, or says why it is not. */
export interface CodeBlock {
  /** From the root of the project. */
  readonly page: string;
  /** Of the opening fence; 1 is the first. */
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

/** README.md and docs/, without what is generated. */
export function documentedPages(root: string): readonly string[] {
  const pages = globSync(["README.md", "docs/**/*.md"], { cwd: root });
  return pages.filter((page) => !page.startsWith("docs/reference/")).toSorted();
}

/**
 * The blocks that a reader could copy and run: every ts and js block, and the sh blocks marked
 * `run`. A ts or js block may excuse itself with `no-run reason="…"`, and must give the reason.
 * @throws when an excuse has no reason.
 */
export function readCodeBlocks(root: string, page: string): readonly CodeBlock[] {
  const source = readFileSync(join(root, page), "utf8");
  return [...source.matchAll(FENCE)].flatMap((match) => {
    const { language = "", info = "", indent = "", text = "" } = match.groups ?? {};
    const ending = ENDINGS[language];
    const isShell = /^(?:sh|bash|shell)$/.test(language) && /\brun\b/.test(info);
    if (ending === undefined && !isShell) return [];

    const line = source.slice(0, match.index).split("\n").length;
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

function excuseIn(info: string, where: string): string | null {
  if (!/\bno-run\b/.test(info)) return null;
  const reason = /\breason="([^"]+)"/.exec(info)?.[1];
  if (reason === undefined) {
    throw new SyntaxError(`${where}: a block that is not run needs reason="…"`);
  }
  return reason;
}
