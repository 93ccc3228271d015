// node serve.mjs RUNTIME BUILD: Cloudflare's local runtime, as scripts/install-cloudflare-local put it into the directory RUNTIME, with the
// Worker that scripts/build-worker put into the directory BUILD, on a free port of 127.0.0.1. Its namespaces, `PROFILES` and `KV_0` to `KV_99`, are empty;
// `FAULTY` is that of faulty.mjs. It says where both are, and ends with its standard input.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { startFaulty } from "./faulty.mjs";

const [runtime, build] = process.argv.slice(2);
const { Miniflare, convertV4MiniflareOptions } = createRequire(`${runtime}/`)("miniflare");

// The entry comes first.
const files = readdirSync(build, { recursive: true }).filter((file) => /\.(js|wasm)$/.test(file));
files.sort((one, other) => (other === "index.js") - (one === "index.js"));
const modules = files.map((file) => {
  const path = join(build, file);
  return { type: file.endsWith(".js") ? "ESModule" : "CompiledWasm", path, contents: readFileSync(path) };
});
// Each class that the Worker exports is one of objects with SQLite, bound by its name in capitals.
const entry = readFileSync(join(build, "index.js"), "utf8");
const classes = [...entry.matchAll(/^export \{ (\w+) \} from/gm)].map(([, name]) => name);
const durableObjects = Object.fromEntries(
  classes.map((className) => [className.toUpperCase(), { className, useSQLite: true }]),
);
const plain = ["PROFILES", ...Array.from({ length: 100 }, (_, number) => `KV_${number}`)];
const faulty = await startFaulty();
const server = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    unsafeLocalExplorer: true,
    compatibilityDate: "2026-09-01",
    modulesRoot: build,
    modules,
    durableObjects,
    kvNamespaces: {
      ...Object.fromEntries(plain.map((name) => [name, name])),
      FAULTY: { id: "FAULTY", remoteProxyConnectionString: new URL(faulty.url) },
    },
  }),
);
console.log(`ready ${await server.ready} ${faulty.url}`);
process.stdin.on("end", async () => {
  await server.dispose();
  faulty.stop();
  process.exit(0);
});
process.stdin.resume();
