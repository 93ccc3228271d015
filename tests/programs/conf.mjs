// conf, whose settings are one file: `conf.mjs DIRECTORY VERSION set JSON` and `conf.mjs DIRECTORY VERSION get`. The version is the
// application's, to which conf migrates.
import { load } from './load.mjs';

const { default: Conf } = await load('conf');
const [cwd, projectVersion, what, json] = process.argv.slice(2);
const migrations = { [projectVersion]: () => {} };
const settings = new Conf({ cwd, projectName: 'app', projectVersion, migrations });
if (what === 'set') {
  settings.set(JSON.parse(json));
} else {
  console.log(JSON.stringify(settings.store));
}
