-- All writes if all conditions hold: 0; otherwise the place of a condition that does not, from 1.
-- KEYS: the conditions' keys, the writes' keys, then the shards of the list index.
-- ARGV: how many conditions and writes; one word a condition; two words a write; for each shard how many entries it gets, and these.
local conditions, writes = tonumber(ARGV[1]), tonumber(ARGV[2])
for place = 1, conditions do
  local key, expected = KEYS[place], ARGV[2 + place]
  local kind, value = string.sub(expected, 1, 1), string.sub(expected, 2)
  local holds
  if kind == 't' then
    -- The magic of an envelope, and the revision behind format and flags.
    local head = redis.call('GETRANGE', key, 0, 11)
    holds = string.sub(head, 1, 2) == '\255K' and string.sub(head, 5) == value
  elseif kind == 'v' then
    holds = redis.call('GET', key) == value
  else
    -- GETRANGE refuses another type of value, which is neither a record nor absent.
    redis.call('GETRANGE', key, 0, 0)
    holds = (redis.call('EXISTS', key) == 1) == (kind == 'p')
  end
  if not holds then
    return place
  end
end
-- The index comes first. If it refuses an entry, nothing is written: an entry without a record does no harm.
local word = 3 + conditions + 2 * writes
for place = conditions + writes + 1, #KEYS do
  local last = word + tonumber(ARGV[word])
  for entry = word + 1, last do
    local added = redis.pcall('ZADD', KEYS[place], 0, ARGV[entry])
    if type(added) == 'table' and added.err then
      if string.find(added.err, 'WRONGTYPE') then
        return redis.error_reply('WRONGINDEX a key of the list index is no sorted set')
      end
      return added
    end
  end
  word = last + 1
end
for place = conditions + 1, conditions + writes do
  local key = KEYS[place]
  local word = 1 + 2 * place - conditions
  local spec, value = ARGV[word], ARGV[word + 1]
  local kind, unit, time = string.sub(spec, 1, 1), string.sub(spec, 2, 2), string.sub(spec, 3)
  if kind == 'e' then
    -- At least so long: never sooner than what stands there, which is -1 if the record does not expire.
    local left = redis.call('PTTL', key)
    if unit == 'x' and left >= 0 and left < tonumber(time) then
      redis.call('PEXPIRE', key, time)
    end
  elseif kind == 'u' and redis.call('EXISTS', key) == 1 then
    redis.call('SET', key, value, 'KEEPTTL')
  elseif kind == 'd' or unit == 'o' then
    redis.call('UNLINK', key)
  elseif kind == 't' then
    if unit == 'x' then
      redis.call('PEXPIRE', key, time)
    elseif unit == 'a' then
      redis.call('PEXPIREAT', key, time)
    else
      redis.call('PERSIST', key)
    end
  elseif unit == 'x' then
    redis.call('SET', key, value, 'PX', time)
  elseif unit == 'a' then
    redis.call('SET', key, value, 'PXAT', time)
  else
    redis.call('SET', key, value)
  end
end
return 0
