/** Some honest work for a core: how many primes there are below a number. */
export function primesBelow(limit: number, report: (share: number) => void): number {
  const isComposite = new Uint8Array(limit);
  let count = 0;
  for (let n = 2; n < limit; n++) {
    if (n % Math.ceil(limit / 10) === 0) report(n / limit);
    if (isComposite[n] === 1) continue;
    count++;
    for (let multiple = n * n; multiple < limit; multiple += n) isComposite[multiple] = 1;
  }
  report(1);
  return count;
}
