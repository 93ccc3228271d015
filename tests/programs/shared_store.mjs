// The store of connect-redis for sessions that another program updates: express-session saves a whole session at the end of a request,
// and this keeps the members that are the other program's.
const SET_IF = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1`;

export function sharing(RedisStore, members) {
  return class extends RedisStore {
    async set(id, session, done) {
      try {
        const key = this.prefix + id;
        for (;;) {
          const stored = await this.client.get(key);
          if (stored === null) {
            return super.set(id, session, done);
          }
          const others = JSON.parse(stored);
          const merged = { ...this.serializer.parse(this.serializer.stringify(session)) };
          for (const member of members) {
            if (member in others) {
              merged[member] = others[member];
            } else {
              delete merged[member];
            }
          }
          const ttl = this.getTTL(session);
          const options = { keys: [key], arguments: [stored, JSON.stringify(merged), String(ttl)] };
          if (await this.client.eval(SET_IF, options) === 1) {
            return done?.();
          }
        }
      } catch (error) {
        return done?.(error);
      }
    }
  };
}
