/** The addresses that a page links to on its own site. */
export async function linksOf(url: string): Promise<readonly string[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const html = await response.text();
  return [...html.matchAll(/href="([^"]+)"/g)]
    .map(([, href = ""]) => new URL(href, url))
    .filter(({ origin }) => origin === new URL(url).origin)
    .map(({ href }) => href);
}
