/** Four crawlers put what they find into their own small queue, and all wait for room in it. */
import { BoundedQueue } from "./bounded-queue.ts";
import { linksOf } from "./page.ts";
import { serveSite } from "./site.ts";

const WAIT_MS = 2_000;

const site = await serveSite();
const seen = new Set<string>();
const pages = new BoundedQueue<string>(4);
let crawledCount = 0;

async function crawl(): Promise<never> {
  for (;;) {
    const url = await pages.get();
    const links = await linksOf(url).catch(() => []);
    crawledCount++;
    for (const link of links) {
      if (seen.has(link)) continue;
      seen.add(link);
      await pages.put(link);
    }
  }
}

await pages.put(`${site.url}/page/0`);
setTimeout(() => {
  console.error(`still waiting for room after ${WAIT_MS} ms: ${pages.putters} crawlers wait,`);
  console.error(`${crawledCount} pages crawled, ${pages.size} in the queue, nobody takes them`);
  process.exit(1);
}, WAIT_MS);
await Promise.all(Array.from({ length: 4 }, crawl));
