import { expect, it } from "vitest";
import { formatJobId, parseJobId } from "../../src/core/job-id.ts";
import { Chance, SEED } from "./chance.ts";
import { type Answer, type RemoteApp, Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";

const ROUNDS = 12;
/** Fewer than the restart budget of a minute (RESTARTS_MAX). */
const DEATHS = 4;
const STORE = { id: "unjam store" };

/** One app, what it was answered, and the number that it has drawn last, as far as was told. */
interface Producer {
  readonly app: RemoteApp;
  lastDrawn: number;
  readonly answers: Promise<Answer>[];
}

async function aProducer(shop: Workshop, n: number): Promise<Producer> {
  const app = await shop.open({ work: { loop: 20, threads: 1 } });
  const answer = app.call("enqueue", { task: "quick", input: { n } });
  return { app, lastDrawn: parseJobId(String((await answer).value)) ?? 0, answers: [answer] };
}

/** What is enqueued under written ids has a number of its own, so each is told from every other. */
class Plan {
  readonly chance = new Chance(SEED);
  readonly written = new Set<number>();
  #n = 10;

  next(): { readonly n: number } {
    return { n: this.#n++ };
  }

  get count(): number {
    return this.#n - 10;
  }

  /** Writes ids that one producer is about to draw, by the hand of either. */
  write(writer: Producer, owner: Producer): void {
    for (let count = this.chance.between(0, 12); count > 0; count--) {
      const number = owner.lastDrawn + this.chance.between(1, 40);
      if (this.written.has(number)) continue;
      this.written.add(number);
      const about = { task: "quick", input: this.next(), options: { id: formatJobId(number) } };
      writer.answers.push(writer.app.call("enqueue", about));
    }
  }

  enqueue({ app, answers }: Producer): void {
    for (let count = this.chance.between(1, 12); count > 0; count--) {
      answers.push(app.call("enqueue", { task: "quick", input: this.next() }));
    }
    const input = Array.from({ length: this.chance.between(1, 10) }, () => this.next());
    answers.push(app.call("enqueueMany", { task: "quick", input }));
  }
}

function idsOf({ value }: Answer): string[] {
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

it(`two processes write ids that the other draws, and their store threads die: each job is there once (seed ${SEED})`, async () => {
  const plan = new Plan();
  using shop = new Workshop();
  const [a, b] = [await aProducer(shop, 1), await aProducer(shop, 2)];
  await using apps = new AsyncDisposableStack();
  for (const { app } of [a, b]) apps.use(app);

  for (let round = 1; round <= ROUNDS; round++) {
    for (const owner of [a, b]) {
      const writer = plan.chance.next() < 0.5 ? a : b;
      plan.write(writer, owner);
      // Some ids are written before the number is drawn, and some at the same time.
      if (plan.chance.next() < 0.5) await Promise.all(writer.answers);
      plan.enqueue(owner);
    }
    if (round % (ROUNDS / DEATHS) === 0) await [a, b][round % 2]?.app.ask("endThread", STORE);
    for (const producer of [a, b]) {
      const answers = await Promise.all(producer.answers);
      // The written ones do not count: only what was drawn says how far the block is used.
      const drawn = answers.flatMap(idsOf).map((id) => parseJobId(id) ?? 0);
      producer.lastDrawn = Math.max(...drawn.filter((number) => !plan.written.has(number)));
    }
  }
  await a.app.ask("join", { options: { waitMs: 40_000 } });
  await Promise.all([a.app.close(), b.app.close()]);

  using file = StoreFile.open(shop.file);
  const jobs = file.jobs();
  const all = (await Promise.all([...a.answers, ...b.answers])).flat();
  const ids = all.flatMap(idsOf);
  const refused = all.filter(({ outcome }) => outcome !== "ok");
  console.log(`number collisions, seed ${SEED}: ${plan.written.size} written, ${jobs.length} jobs`);
  // A written id that came after its number was drawn is refused by its name; nothing else may be.
  expect(refused.filter(({ outcome }) => outcome !== "UNJAM_ID_TAKEN")).toEqual([]);
  expect(refused.length).toBeLessThanOrEqual(plan.written.size);
  expect(jobs).toHaveLength(plan.count + 2 - refused.length);
  expect(new Set(jobs.map(({ n }) => n)).size).toBe(jobs.length);
  expect(new Set(ids).size).toBe(ids.length);
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
  expect(shop.repeated()).toEqual([]);
  expect(file.faults()).toEqual([]);
}, 90_000);
