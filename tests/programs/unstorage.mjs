// unstorage over Redis, or over files: `unstorage.mjs URL-OR-DIRECTORY set KEY JSON` and `get KEY`.
import { load } from './load.mjs';

const { createStorage } = await load('unstorage');
const [where, what, key, json] = process.argv.slice(2);
const isRedis = where.startsWith('redis:');
const { default: driver } = await load(`unstorage/drivers/${isRedis ? 'redis' : 'fs'}`);
const storage = createStorage({ driver: driver(isRedis ? { url: where, base: 'app' } : { base: where }) });
if (what === 'set') {
  await storage.setItem(key, JSON.parse(json));
} else {
  console.log(JSON.stringify(await storage.getItem(key)));
}
if (isRedis) {
  storage.getMount().driver.getInstance().disconnect();
}
