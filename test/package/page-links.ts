import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const LINK = /\]\((?<target>[^()\s]+)\)/g;
const FENCED = /^( *)```[\s\S]*?^\1```/gm;

/** Links of a page that lead nowhere within the folder, as "page: link"; other sites' are not looked at. */
export function deadLinks(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), "utf8").replaceAll(FENCED, "");
  return [...text.matchAll(LINK)]
    .map(({ groups }) => groups?.["target"] ?? "")
    .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(root, page, target))
    .map((target) => `${page}: ${target}`);
}

function leadsSomewhere(root: string, page: string, target: string): boolean {
  const [path = "", heading] = target.split("#");
  const file = path === "" ? page : join(dirname(page), decodeURI(path));
  // What is beside the package is not in it.
  if (file.startsWith("..") || !existsSync(join(root, file))) return false;
  if (heading === undefined) return true;
  return statSync(join(root, file)).isFile() && headingsOf(join(root, file)).includes(heading);
}

/** The names that a Markdown viewer gives to headings: small letters, dashes for spaces. */
function headingsOf(file: string): string[] {
  const headings = readFileSync(file, "utf8")
    .replaceAll(FENCED, "")
    .matchAll(/^#+ +(?<title>.+)$/gm);
  return [...headings].map(({ groups }) =>
    (groups?.["title"] ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}
