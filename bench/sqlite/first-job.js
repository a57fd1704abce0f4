// Plain JavaScript, because stripping types would be measured with the start.
import { open, task } from "unjam";

const noop = task("noop", {}, async () => {});
const app = await open({ store: "memory:", tasks: [noop] });
const job = await app.enqueue(noop, {});
await job.result();
// Milliseconds since this process started.
process.send(performance.now());
await app.close();
