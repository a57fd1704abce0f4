/** A generic executor: submit functions, get their results. */
import { Executor } from "./executor.ts";

const executor = new Executor({ concurrency: 4, capacity: 100 });

const squares = Array.from({ length: 10 }, (_, n) => executor.submit(async () => n * n));
console.log("squares:", (await Promise.all(squares)).join(" "));

const text = await executor.submit(() => "any type".toUpperCase());
console.log("text:", text);

// A function that throws costs nobody but its caller anything.
const failure = executor.submit(() => {
  throw new RangeError("out of range");
});
console.log("failure:", await failure.catch(String));
console.log("after it:", await executor.submit(() => 1 + 1));

await executor[Symbol.asyncDispose]();
const late = executor.submit(() => "too late");
console.log("closed:", await late.catch(String));
