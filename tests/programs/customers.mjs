// Customers as JSON by ioredis: `customers.mjs URL count TIMES` counts `js`, by WATCH, MULTI and EXEC.
import { load } from './load.mjs';

const { default: Redis } = await load('ioredis');
const [url, , times] = process.argv.slice(2);
const redis = new Redis(url);
for (let time = 0; time < Number(times);) {
  await redis.watch('customer:17');
  const customer = JSON.parse(await redis.get('customer:17'));
  customer.js += 1;
  const done = await redis.multi().set('customer:17', JSON.stringify(customer)).exec();
  time += done === null ? 0 : 1;
}
redis.disconnect();
