import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { loadTasks } from "./load-tasks.ts";
import { handle, task } from "./task.ts";

const folder = mkdtempSync(join(tmpdir(), "unjam-tasks-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A module in the folder, by its URL. */
function written(name: string, text: string): URL {
  writeFileSync(join(folder, name), text);
  return pathToFileURL(join(folder, name));
}

describe("tasks", () => {
  it("of one name with two handlers are refused", async () => {
    const [one, other] = [task("mail", {}, async () => 1), task("mail", {}, async () => 2)];

    await expect(loadTasks([one, other])).rejects.toMatchObject({
      code: "UNJAM_TASK_DUPLICATE",
      details: { task: "mail" },
    });
  });

  it("may stand there twice, and as a definition beside the handler, in either order", async () => {
    const definition = task("mail", {});
    const whole = handle(definition, async () => 1);

    for (const values of [
      [definition, whole, whole],
      [whole, definition],
    ]) {
      const { bodies } = await loadTasks(values);

      expect([...bodies.keys()]).toEqual(["mail"]);
      expect(bodies.get("mail")?.handler).toBeTypeOf("function");
    }
  });
});

describe("a module of tasks", () => {
  it("is its compiled sibling where the source is not found", async () => {
    const url = written("built.js", "export const other = 1;");

    const { module } = await loadTasks(new URL(url.href.replace(/\.js$/, ".ts")));

    expect(module).toBe(url.href);
  });

  it.each([
    ["a missing file", new URL("nope.ts", pathToFileURL(`${folder}/`))],
    ["a URL that is no file", "https://127.0.0.1/tasks.ts"],
    ["a file on another host", "file://elsewhere/tasks.ts"],
    ["a path with an encoded slash", "file:///a%2Ftasks.ts"],
  ])("that leads nowhere is refused, with what was tried: %s", async (_what, url) => {
    const tried = expect.arrayContaining([String(url)]) as unknown;

    await expect(loadTasks(url)).rejects.toMatchObject({
      code: "UNJAM_TASK_MODULE_NOT_FOUND",
      details: { url: String(url), tried },
    });
  });

  it.each([
    ["throws", 'throw new Error("no database here");', /no database here/],
    ["does not parse", "export const = 1;", /./],
  ])("that %s is refused with the reason", async (what, text, reason) => {
    const url = written(`${what.replaceAll(" ", "-")}.mjs`, text);

    await expect(loadTasks(url)).rejects.toMatchObject({
      code: "UNJAM_TASK_MODULE_FAILED",
      details: { url: url.href, reason: expect.stringMatching(reason) as unknown },
    });
  });

  it.each([["./tasks.ts"], [7], [{}], [null]])(
    "is given by a URL, and not by %j",
    async (given) => {
      await expect(loadTasks(given)).rejects.toMatchObject({
        code: "UNJAM_INVALID_OPTION",
        details: { option: "tasks" },
      });
    },
  );
});
