// A Worker that keeps profiles and sessions in KV, written as such Workers are written by hand: memory over KV over an origin, and a
// migration when a record is read that is older than the code.
//
// POST /js/{namespace} with { "do": ..., ... } runs one of its functions, for the tests.

const CURRENT = 2;
// By namespace, of which a Worker has one and this one many.
const memories = {};

const migrations = {
  1: ({ name, ...rest }) => ({ ...rest, displayName: name }),
};

async function migrateIfNeeded(kv, key, value, metadata) {
  let version = metadata?.version || 1;
  if (version >= CURRENT) return value;
  for (; version < CURRENT; version += 1) value = migrations[version](value);
  await kv.put(key, JSON.stringify(value), { metadata: { ...metadata, version: CURRENT, migratedAt: Date.now() } });
  return value;
}

async function profile(kv, memory, id, origin) {
  const key = `user:${id}:profile`;
  if (memory.has(key)) return { from: "memory", profile: memory.get(key) };
  const { value, metadata } = await kv.getWithMetadata(key, "json");
  if (value !== null) {
    const profile = await migrateIfNeeded(kv, key, value, metadata);
    memory.set(key, profile);
    return { from: "kv", profile };
  }
  await kv.put(key, JSON.stringify(origin), { metadata: { version: CURRENT }, expirationTtl: 3600 });
  memory.set(key, origin);
  return { from: "origin", profile: origin };
}

const functions = {
  profile: (kv, { id, origin }, memory) => profile(kv, memory, id, origin),
  forget: (kv, options, memory) => memory.clear(),
  get: (kv, { key }) => kv.get(key, "json"),
  getText: (kv, { key }) => kv.get(key),
  getWithMetadata: async (kv, { key }) => {
    const { value, metadata } = await kv.getWithMetadata(key, "json");
    return { value, metadata };
  },
  put: (kv, { key, value, options }) => kv.put(key, JSON.stringify(value), options),
  putText: (kv, { key, value, options }) => kv.put(key, value, options),
  // Values that a test need not send.
  putMany: async (kv, { prefix, count }) => {
    for (let number = 0; number < count; number += 1) await kv.put(`${prefix}${number}`, JSON.stringify({ number }));
  },
  length: async (kv, { key }) => (await kv.get(key))?.length ?? null,
  delete: (kv, { key }) => kv.delete(key),
  list: async (kv, options) => {
    const keys = [];
    for (let cursor; ; ) {
      const page = await kv.list({ ...options, cursor });
      keys.push(...page.keys);
      if (page.list_complete) return keys;
      cursor = page.cursor;
    }
  },
};

export async function profiles(request, env) {
  const namespace = new URL(request.url).pathname.split("/").at(-1);
  const { do: name, ...options } = await request.json();
  memories[namespace] ??= new Map();
  const result = await functions[name](env[`NS_${namespace}`], options, memories[namespace]);
  return Response.json(result ?? null);
}
