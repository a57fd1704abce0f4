import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const PAGES = 60;

export interface Site extends AsyncDisposable {
  readonly url: string;
}

/** A site on loopback, made up as it is asked for: a tree of pages with ways back and dead links. */
export async function serveSite(): Promise<Site> {
  const server = createServer(({ url = "" }, response) => {
    const page = Number(/^\/page\/(\d+)$/.exec(url)?.[1]);
    const isThere = page < PAGES;
    response.writeHead(isThere ? 200 : 404, { "content-type": "text/html" });
    response.end(isThere ? render(page) : "no such page");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server on a port has no other address.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function render(page: number): string {
  const targets = [page * 3 + 1, page * 3 + 2, page * 3 + 3].filter((target) => target < PAGES);
  const links = [...targets, 0, page].map((target) => `/page/${target}`);
  if (page % 10 === 5) links.push(`/missing/${page}`);
  return links.map((href) => `<a href="${href}">link</a>`).join("\n");
}
