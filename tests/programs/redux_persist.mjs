// A redux application whose state is kept by redux-persist in files: `redux_persist.mjs DIRECTORY ADD` adds to its counter, and
// prints its state.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { load } from './load.mjs';

const { legacy_createStore: createStore } = await load('redux');
const { persistReducer, persistStore } = await load('redux-persist');
const [directory, add] = process.argv.slice(2);
const file = (key) => join(directory, key.replaceAll(':', '/'));
const storage = {
  getItem: (key) => readFile(file(key), 'utf8').catch(() => null),
  async setItem(key, value) {
    await mkdir(dirname(file(key)), { recursive: true });
    await writeFile(file(key), value);
  },
  removeItem: (key) => rm(file(key)),
};
const first = { counter: { n: 0 }, names: ['ada'] };
const reducer = (state = first, action) =>
  action.type === 'add' ? { ...state, counter: { ...state.counter, n: state.counter.n + action.by } } : state;
const store = createStore(persistReducer({ key: 'root', storage }, reducer));
const persistor = persistStore(store);
await new Promise((rehydrated) => {
  const look = () => persistor.getState().bootstrapped && rehydrated();
  persistor.subscribe(look);
  look();
});
store.dispatch({ type: 'add', by: Number(add) });
await persistor.flush();
const { _persist, ...state } = store.getState();
console.log(JSON.stringify(state));
