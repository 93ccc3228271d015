// An express application whose sessions are in Redis: `express.mjs URL COOKIE REQUESTS`. It sends requests to itself, and prints
// the cookie of a new session, or what the last request of a known one was answered.
import { load } from './load.mjs';

const { default: express } = await load('express');
const { default: session } = await load('express-session');
const { RedisStore } = await load('connect-redis');
const { createClient } = await load('redis');
const [url, known, requests] = process.argv.slice(2);
const client = createClient({ url });
await client.connect();

const app = express();
app.use(session({
  store: new RedisStore({ client, prefix: 'sess:' }),
  secret: 'a test',
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 600_000 },
}));
app.get('/', (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1;
  request.session.user ??= { name: 'ada' };
  response.send(`views ${request.session.views}, user ${request.session.user.name}`);
});

const server = app.listen(0, '127.0.0.1');
await new Promise((listening) => server.on('listening', listening));
let cookie = known;
let answer;
for (let request = 0; request < Number(requests); request += 1) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { cookie } });
  answer = await response.text();
  cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
}
console.log(known === '' ? cookie : answer);
server.close();
server.closeAllConnections();
client.destroy();
