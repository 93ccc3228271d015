// Modules of the installed packages, which are not beside these scripts.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.env.PROGRAMS, 'package.json'));

export async function load(name) {
  const module = await import(pathToFileURL(require.resolve(name)).href);
  return module.default?.default ? module.default : module;
}
