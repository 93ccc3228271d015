// An express application with connect-redis that serves clients for a while: `express_run.mjs URL SECONDS CLIENTS`. Each client has a
// session that counts its requests. It prints a line of JSON for each client: its session, and how often it counted.
import { load } from './load.mjs';
import { sharing } from './shared_store.mjs';

const { default: express } = await load('express');
const { default: session } = await load('express-session');
const { RedisStore } = await load('connect-redis');
const { createClient } = await load('redis');
const [url, seconds, clients] = process.argv.slice(2);
const client = createClient({ url });
await client.connect();

const SharedStore = sharing(RedisStore, ['service']);
const app = express();
app.use(session({
  store: new SharedStore({ client, prefix: 'sess:' }),
  secret: 'a test',
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 3_600_000 },
}));
app.get('/', (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1;
  response.json({ id: request.sessionID, views: request.session.views, service: request.session.service ?? 0 });
});

const server = app.listen(0, '127.0.0.1');
await new Promise((listening) => server.on('listening', listening));
const address = `http://127.0.0.1:${server.address().port}/`;
const end = Date.now() + Number(seconds) * 1000;

async function browse() {
  let [cookie, last, requests, back] = ['', undefined, 0, 0];
  while (Date.now() < end) {
    const response = await fetch(address, { headers: { cookie } });
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    const answer = await response.json();
    requests += 1;
    // Neither count may go back, and the session must stay.
    const isNext = answer.id === last?.id && answer.views === last.views + 1 && answer.service >= last.service;
    back += last && !isNext ? 1 : 0;
    last = answer;
  }
  return { id: last.id, requests, back };
}

for (const ended of await Promise.all(Array.from({ length: Number(clients) }, browse))) {
  console.log(JSON.stringify(ended));
}
server.close();
server.closeAllConnections();
client.destroy();
