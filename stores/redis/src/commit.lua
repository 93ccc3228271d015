-- All writes if all conditions hold: 0; otherwise the place of a condition that does not, from 1.
-- The negative place of a key if it holds another type of value than it must.
-- KEYS: the conditions' keys, the writes' keys, the shards of the list index, the sets of index entries.
-- ARGV: how many conditions, writes and shards; one word a condition; two words a write; for each shard how many entries it gets,
-- and these; for each set `a` if it gets entries or `r` if it only loses some, how many changes follow, and these.
local conditions, writes, shards = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function failed(answer, place)
  if string.find(answer.err, 'WRONGTYPE') then
    return -place
  end
  return answer
end
for place = 1, conditions do
  local key, expected = KEYS[place], ARGV[3 + place]
  local kind, value = string.sub(expected, 1, 1), string.sub(expected, 2)
  local holds
  if kind == 'a' and redis.call('EXISTS', key) == 0 then
    holds = true
  else
    -- GETRANGE refuses another type of value, which is neither a record nor absent.
    local read
    if kind == 't' then
      read = redis.pcall('GETRANGE', key, 0, 11)
    elseif kind == 'v' then
      read = redis.pcall('GET', key)
    else
      read = redis.pcall('GETRANGE', key, 0, 0)
    end
    if type(read) == 'table' then
      return failed(read, place)
    end
    if kind == 't' then
      -- The magic of an envelope, and the revision behind format and flags.
      holds = string.sub(read, 1, 2) == '\255K' and string.sub(read, 5) == value
    elseif kind == 'v' then
      holds = read == value
    else
      -- The beginning of an empty value is that of nothing.
      holds = kind == 'p' and (read ~= '' or redis.call('EXISTS', key) == 1)
    end
  end
  if not holds then
    return place
  end
end
-- A write that fails does not undo those before it. So commands that change nothing show first whether each set can be written.
local first_of_shards = 4 + conditions + 2 * writes
local first_of_sets = first_of_shards
for _ = 1, shards do
  first_of_sets = first_of_sets + 1 + tonumber(ARGV[first_of_sets])
end
local last_of_shards = conditions + writes + shards
for _, probed in ipairs({ 'a', 'r' }) do
  -- Additions first: a server whose memory is full refuses them only before other writes.
  local word = first_of_sets
  for place = last_of_shards + 1, #KEYS do
    local kind = string.sub(ARGV[word], 1, 1)
    if kind == probed then
      local answer
      if kind == 'a' then
        answer = redis.pcall('ZADD', KEYS[place], 'XX', 0, '')
      else
        answer = redis.pcall('ZREM', KEYS[place], '')
      end
      if type(answer) == 'table' then
        return failed(answer, place)
      end
    end
    word = word + 1 + tonumber(string.sub(ARGV[word], 2))
  end
end
-- The list index comes first. If it refuses an entry, no record is written: an entry without a record does no harm.
local word = first_of_shards
for place = conditions + writes + 1, last_of_shards do
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
  local word = 2 + 2 * place - conditions
  local spec, value = ARGV[word], ARGV[word + 1]
  local kind, unit, time = string.sub(spec, 1, 1), string.sub(spec, 2, 2), string.sub(spec, 3)
  if kind == 'e' then
    -- At least so long: never sooner than what stands there, which is -1 if the record does not expire.
    local left = redis.call('PTTL', key)
    if unit == 'x' and left >= 0 and left < tonumber(time) then
      redis.call('PEXPIRE', key, time)
    end
  elseif kind == 'u' and redis.call('SET', key, value, 'XX', 'KEEPTTL') then
    -- It was there, and keeps its TTL.
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
word = first_of_sets
for place = last_of_shards + 1, #KEYS do
  local last = word + tonumber(string.sub(ARGV[word], 2))
  for change = word + 1, last do
    local member = string.sub(ARGV[change], 2)
    if string.sub(ARGV[change], 1, 1) == '+' then
      redis.call('ZADD', KEYS[place], 0, member)
    else
      redis.call('ZREM', KEYS[place], member)
    end
  end
  word = last + 1
end
return 0
