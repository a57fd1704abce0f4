import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SearchIndex } from "./search-index.ts";

export interface SearchServer extends AsyncDisposable {
  readonly url: string;
  readonly index: SearchIndex;
}

/** Serves `_bulk` on loopback, as Elasticsearch does. */
export async function serveSearch(): Promise<SearchServer> {
  const index = new SearchIndex();
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => void (body += text));
    request.on("end", () => {
      const items = index.bulk(body);
      if (items === undefined) {
        response.writeHead(503).end();
        return;
      }
      const errors = items.some(({ index: { status } }) => status > 299);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ errors, items }));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server on a port has no other address.
  const { port } = server.address() as AddressInfo;
  return {
    index,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
