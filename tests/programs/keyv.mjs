// keyv over Redis: `keyv.mjs URL set KEY JSON TTL` and `keyv.mjs URL get KEY`.
import { load } from './load.mjs';

const { default: Keyv } = await load('keyv');
const { default: KeyvRedis } = await load('@keyv/redis');
const [url, what, key, json, ttl] = process.argv.slice(2);
const cache = new Keyv({ store: new KeyvRedis(url), namespace: 'cache' });
if (what === 'set') {
  await cache.set(key, JSON.parse(json), Number(ttl) || undefined);
} else {
  console.log(JSON.stringify(await cache.get(key)));
}
await cache.disconnect();
