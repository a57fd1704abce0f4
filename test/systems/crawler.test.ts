import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { crawl, idOf } from "./crawler.ts";
import { GeneratedSite } from "./generated-site.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

async function aCrawl(work: { loop: number }) {
  const folder = await SystemFolder.make();
  const site = await GeneratedSite.start();
  const app = await open({ store: folder.store, tasks: [crawl], work, logger: quietLogger });
  const start = `${site.url}/page/0`;
  await app.enqueue(crawl, { url: start }, { id: idOf(start) });
  const dispose = async (): Promise<void> => {
    await app.close({ graceMs: 0 });
    await site[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  return { app, site, [Symbol.asyncDispose]: dispose };
}

describe("a crawler on a site with cycles, missing and flaky pages", () => {
  it("visits every page, and its join returns although jobs make jobs", async () => {
    await using crawling = await aCrawl({ loop: 8 });

    const joined = await crawling.app.join({ waitMs: 60_000 });

    expect(joined).toMatchObject({
      done: GeneratedSite.pageCount,
      failed: GeneratedSite.missingCount,
    });
  });

  it("visits each page once, and a flaky one once more", async () => {
    await using crawling = await aCrawl({ loop: 8 });

    await crawling.app.join({ waitMs: 60_000 });

    const visits = [...crawling.site.visits.values()];
    expect(visits.filter((count) => count === 2)).toHaveLength(GeneratedSite.flakyCount);
    expect(visits.filter((count) => count > 2)).toEqual([]);
  });

  it("puts each missing page into the dead letters after one try", async () => {
    await using crawling = await aCrawl({ loop: 2 });

    await crawling.app.join({ waitMs: 60_000 });

    const dead = await crawling.app.jobs({ state: "dead" });
    expect(dead).toHaveLength(GeneratedSite.missingCount);
    expect(dead.every(({ id, attempt }) => id.startsWith("page /missing/") && attempt === 1)).toBe(
      true,
    );
  });
});
