// node serve.mjs DIRECTORY: Cloudflare's local runtime, as scripts/install-cloudflare-local put it into the directory, on a free port of 127.0.0.1,
// with the namespaces `n0` to `n199`, empty. It says where it is, and ends with its standard input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const { Miniflare, convertV4MiniflareOptions } = createRequire(`${process.argv[2]}/`)("miniflare");

const here = dirname(fileURLToPath(import.meta.url));
const modules = ["worker", "facade", "profiles"].map((name) => {
  const path = `${here}/${name}.mjs`;
  return { type: "ESModule", path, contents: readFileSync(path, "utf8") };
});
const namespaces = Array.from({ length: 200 }, (_, number) => `n${number}`);
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    unsafeLocalExplorer: true,
    compatibilityDate: "2026-09-01",
    modulesRoot: here,
    modules,
    kvNamespaces: Object.fromEntries(namespaces.map((id) => [`NS_${id}`, id])),
    bindings: { API_TOKEN: "local-token" },
  }),
);
console.log(`ready ${await runtime.ready}`);
process.stdin.on("end", async () => {
  await runtime.dispose();
  process.exit(0);
});
process.stdin.resume();
