/** How often the share that is done is told. */
const STEPS = 100;

/** Counts by trial division, because the point is to keep a core busy. */
export function primesBelow(below: number, onStep: (share: number) => void): number {
  let count = 0;
  const stepSize = Math.ceil(below / STEPS);
  for (let number = 2; number < below; number++) {
    if (isPrime(number)) count += 1;
    if (number % stepSize === 0) onStep(number / below);
  }
  return count;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}
