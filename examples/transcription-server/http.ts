import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves `GET /transcribe` and `GET /healthz` on loopback; resolves when it listens. */
export async function serve(
  transcribe: (query: URLSearchParams) => Promise<Answer>,
): Promise<Server> {
  async function answer(url: URL): Promise<Answer> {
    if (url.pathname === "/healthz") return { status: 200, body: { status: "ok" } };
    if (url.pathname === "/transcribe") return transcribe(url.searchParams);
    return { status: 404, body: { error: "NOT_FOUND" } };
  }

  const server = createServer((request, response) => {
    answer(new URL(request.url ?? "/", "http://localhost")).then(
      ({ status, body, headers }) => {
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(Number(process.env["PORT"] ?? 8001), "127.0.0.1", resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server on a port has no other address.
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}`);
  return server;
}
