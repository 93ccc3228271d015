// One of npm's key-value libraries on a Redis server, driven from outside: `node peer.mjs unstorage|keyv PORT USERS`.
//
// The first line of standard input is the payload as JSON, which it stores for each user. Each further line is a number: so many
// users are read by 64 tasks, and the nanoseconds that each took are told on standard output.

import { createInterface } from "node:readline";

const TASKS = 64;
const [library, port, users] = process.argv.slice(2);

const libraries = {
  async unstorage() {
    const { createStorage } = await import("unstorage");
    const { default: redis } = await import("unstorage/drivers/redis");
    const storage = createStorage({ driver: redis({ host: "127.0.0.1", port: Number(port), base: "unstorage" }) });
    return { get: (key) => storage.getItem(key), set: (key, value) => storage.setItem(key, value) };
  },
  async keyv() {
    const { default: Keyv } = await import("keyv");
    const { default: KeyvRedis } = await import("@keyv/redis");
    const keyv = new Keyv(new KeyvRedis(`redis://127.0.0.1:${port}`), { namespace: "keyv" });
    return { get: (key) => keyv.get(key), set: (key, value) => keyv.set(key, value) };
  },
};

const storage = await libraries[library]();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const payload = JSON.parse((await lines.next()).value);
for (let id = 0; id < Number(users); id += 1) {
  await storage.set(`user:${id}`, payload);
}
console.log("ready");

for await (const line of lines) {
  const reads = Number(line);
  let next = 0;
  const task = async () => {
    while (next < reads) {
      const user = await storage.get(`user:${(next++ * 7) % Number(users)}`);
      if (user?.name !== payload.name) throw new Error("the user is not there");
    }
  };
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: TASKS }, task));
  console.log(Number(process.hrtime.bigint() - start) / reads);
}
process.exit(0);
