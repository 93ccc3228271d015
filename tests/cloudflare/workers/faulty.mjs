// A namespace that fails as it is told. The runtime asks it as it asks Cloudflare's own service, so that what a Worker is told of a
// failure are the runtime's own words. `POST /faults` with `[{ "asked": "PUT", "key": "a:1", "reply": 429, "times": 2, "done": false }]` says what the next
// requests of a kind meet, of any key if none is given, after as many as `skip` says: a status, `cut` (no reply at all), `nonsense`, `empty` (a page without keys that is not the
// last) or `{ "slow": 300 }` (the right reply, so many milliseconds later); and whether it is done all
// the same. As in production, a bulk reply has at most 25 MiB with what it is framed by. `GET /asked` tells how many requests of each kind came since.
import { createServer } from "node:http";

const MOST_OF_BULK = 25 << 20;
const KINDS = { GET: "GET", PUT: "PUT", DELETE: "DELETE", POST: "BULK" };

export async function startFaulty() {
  const records = new Map();
  let faults = [];
  let asked = {};

  async function reply(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.url === "/faults") {
      faults = JSON.parse(body);
      asked = {};
      return response.end();
    }
    if (request.url === "/asked") return response.end(JSON.stringify(asked));

    // The runtime's own request, as its proxy for namespaces elsewhere passes it on.
    const url = new URL(request.headers["mf-url"]);
    const key = decodeURIComponent(url.pathname.slice(1));
    const kind = key === "" ? "LIST" : KINDS[request.method];
    asked[kind] = (asked[kind] ?? 0) + 1;
    const next = faults.find((it) => it.asked === kind && (it.key ?? key) === key && it.times > 0);
    const fault = next?.skip > 0 ? undefined : next;
    if (fault) fault.times -= 1;
    else if (next) next.skip -= 1;
    if (fault?.reply === "empty") {
      return response.end(JSON.stringify({ keys: [], list_complete: false, cursor: "0", cacheStatus: null }));
    }
    if (fault?.reply.slow) await new Promise((passed) => setTimeout(passed, fault.reply.slow));
    const isDone = !fault || fault.reply.slow;
    if (isDone || fault.done) {
      const answer = answers[kind](key, url, body, request.headers["mf-header-cf-kv-metadata"]);
      if (isDone) {
        response.writeHead(answer.status ?? 200, answer.headers);
        return response.end(answer.body);
      }
    }
    if (fault.reply === "cut") return request.socket.destroy();
    if (fault.reply === "nonsense") return response.end("<html>s3cret");
    response.writeHead(fault.reply);
    response.end();
  }

  const withMetadata = ({ metadata }) => (metadata === undefined ? {} : { "CF-KV-Metadata": metadata });
  const answers = {
    GET(key) {
      const record = records.get(key);
      return record ? { headers: withMetadata(record), body: record.value } : { status: 404 };
    },
    PUT(key, _, value, metadata) {
      records.set(key, { value, metadata });
      return {};
    },
    DELETE(key) {
      records.delete(key);
      return {};
    },
    BULK(_key, _url, body) {
      const entry = (key) => {
        const record = records.get(key);
        return record ? { value: record.value.toString(), metadata: JSON.parse(record.metadata ?? "null") } : null;
      };
      const { keys } = JSON.parse(body);
      if (keys.length > 100) return { status: 400 };
      const reply = JSON.stringify(Object.fromEntries(keys.map((key) => [key, entry(key)])));
      return reply.length > MOST_OF_BULK ? { status: 413 } : { body: reply };
    },
    LIST(_key, url) {
      const prefix = url.searchParams.get("prefix") ?? "";
      const from = Number(url.searchParams.get("cursor") ?? 0);
      const to = from + Number(url.searchParams.get("key_count_limit") ?? 1_000);
      const all = [...records.keys()].filter((key) => key.startsWith(prefix)).sort();
      const keys = all.slice(from, to).map((name) => ({ name, metadata: records.get(name).metadata }));
      const rest = to < all.length ? { list_complete: false, cursor: `${to}` } : { list_complete: true };
      return { body: JSON.stringify({ keys, ...rest, cacheStatus: null }) };
    },
  };

  const server = createServer(reply);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}
