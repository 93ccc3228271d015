// The public REST API of Cloudflare KV, as far as this library uses it, over real KV bindings of the local runtime. Storage, limits and
// expiry are the runtime's; of the error codes only 10009 and 10013 are Cloudflare's own.
//
// /client/v4/accounts/{any}/storage/kv/namespaces/{id}/... is the binding `NS_{id}`; the bearer token is the binding `API_TOKEN`.

const PATH = /^\/client\/v4\/accounts\/[^/]+\/storage\/kv\/namespaces\/([^/]+)\/(values|metadata|keys|bulk)(?:\/(.+))?$/;

const answer = (status, result, errors = [], more = {}) =>
  Response.json({ success: errors.length === 0, errors, messages: [], result, ...more }, { status });
const refuse = (status, code, message) => answer(status, null, [{ code, message }]);
const notFound = () => refuse(404, 10009, "get: 'key not found'");

const expiry = ({ expiration_ttl: ttl, expiration }) =>
  ttl != null ? { expirationTtl: +ttl } : expiration != null ? { expiration: +expiration } : {};

export async function facade(request, env) {
  const url = new URL(request.url);
  const match = PATH.exec(url.pathname);
  if (!match) return refuse(404, 7003, `Could not route to ${url.pathname}`);
  if (request.headers.get("authorization") !== `Bearer ${env.API_TOKEN}`) return refuse(401, 10000, "Authentication error");
  const [, id, kind, rest] = match;
  const kv = env[`NS_${id}`];
  if (!kv) return refuse(404, 10013, "get namespace: 'namespace not found'");
  const key = kind === "bulk" ? undefined : rest && decodeURIComponent(rest);
  try {
    switch (`${request.method} ${kind}${kind === "bulk" && rest ? `/${rest}` : ""}`) {
      case "GET values": {
        const value = await kv.get(key, "stream");
        if (value === null) return notFound();
        const expiration = (await listed(kv, key))?.expiration;
        return new Response(value, { headers: expiration ? { expiration: String(expiration) } : {} });
      }
      case "GET metadata": {
        const found = await listed(kv, key);
        return found ? answer(200, found.metadata ?? null) : notFound();
      }
      case "GET keys": return await keys(kv, Object.fromEntries(url.searchParams));
      case "PUT bulk": return await put(kv, await request.json());
      case "POST bulk/get": {
        const { keys, type, withMetadata } = await request.json();
        const found = withMetadata ? await kv.getWithMetadata(keys, type) : await kv.get(keys, type);
        return answer(200, { values: Object.fromEntries(found) });
      }
      case "POST bulk/delete": {
        const names = await request.json();
        await Promise.all(names.map((name) => kv.delete(name)));
        return answer(200, { successful_key_count: names.length, unsuccessful_keys: [] });
      }
    }
    return refuse(405, 10405, "Method not allowed");
  } catch (error) {
    const [, status, message] = /failed: (\d+) (.*)/s.exec(error.message) ?? [, 400, error.message];
    return refuse(+status, 10000, message);
  }
}

const listed = async (kv, key) => (await kv.list({ prefix: key, limit: 10 })).keys.find(({ name }) => name === key);

async function keys(kv, { prefix, limit = 1000, cursor }) {
  if (!(+limit >= 10 && +limit <= 1000)) return refuse(400, 10029, "list keys: 'limit must be between 10 and 1000'");
  if (cursor === "expired") return refuse(400, 10043, "list keys: 'cursor is not valid'");
  const page = await kv.list({ prefix, limit: +limit, cursor: cursor || undefined });
  return answer(200, page.keys, [], { result_info: { count: page.keys.length, cursor: page.cursor ?? "" } });
}

async function put(kv, records) {
  if (records.length > 10000) return refuse(400, 10000, "too many keys");
  // In turns, so that thousands do not wait at once.
  for (let at = 0; at < records.length; at += 64) {
    const some = records.slice(at, at + 64).map(async (record) => {
      const options = { ...expiry(record), ...(record.metadata === undefined ? {} : { metadata: record.metadata }) };
      await kv.put(record.key, record.value, options);
    });
    await Promise.all(some);
  }
  return answer(200, { successful_key_count: records.length, unsuccessful_keys: [] });
}
