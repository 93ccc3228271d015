-- All writes if all conditions hold: 0; otherwise the place of a condition that does not, from 1.
-- The negative place of a key if it holds another type of value than it must.
-- KEYS: the conditions' keys, the writes' keys, the shards of the list index, the sets of index entries.
-- ARGV: how many conditions, writes and shards; one word a condition; two words a write; for each shard how many entries it gets,
-- and these; for each set `a` if it gets entries or `r` if it only loses some, how many changes follow, and these.
-- Numbers in commands are given as text: the server formats each other one as a fraction of 17 digits.
local call, pcall, byte, sub = redis.call, redis.pcall, string.byte, string.sub
local TOKEN, VALUE = byte('t'), byte('v')
local conditions, writes, shards = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function failed(answer, place)
  if string.find(answer.err, 'WRONGTYPE') then
    return -place
  end
  return answer
end
local function write(key, kind, unit, time, value)
  if kind == 'e' then
    -- At least so long: never sooner than what stands there, which is -1 if the record does not expire.
    local left = call('PTTL', key)
    if unit == 'x' and left >= 0 and left < tonumber(time) then
      call('PEXPIRE', key, time)
    end
  elseif kind == 'u' and call('SET', key, value, 'XX', 'KEEPTTL') then
    -- It was there, and keeps its TTL.
  elseif kind == 'd' or unit == 'o' then
    call('UNLINK', key)
  elseif kind == 't' then
    if unit == 'x' then
      call('PEXPIRE', key, time)
    elseif unit == 'a' then
      call('PEXPIREAT', key, time)
    else
      call('PERSIST', key)
    end
  elseif unit == 'x' then
    call('SET', key, value, 'PX', time)
  elseif unit == 'a' then
    call('SET', key, value, 'PXAT', time)
  else
    call('SET', key, value)
  end
end
for place = 1, conditions do
  local key, expected = KEYS[place], ARGV[3 + place]
  local read, holds
  -- GETRANGE refuses another type of value, which is neither a record nor absent.
  if byte(expected) == TOKEN then
    read = pcall('GETRANGE', key, '0', '11')
    if type(read) == 'string' then
      -- The revision behind format and flags, and the magic of an envelope.
      holds = sub(read, 5) == sub(expected, 2) and sub(read, 1, 2) == '\255K'
    end
  elseif byte(expected) == VALUE then
    read = pcall('GET', key)
    holds = read == sub(expected, 2)
  elseif expected == 'n' then
    -- No string. Another type of value is no record.
    holds = call('TYPE', key).ok ~= 'string'
  elseif expected == 'a' and call('EXISTS', key) == 0 then
    holds = true
  else
    read = pcall('GETRANGE', key, '0', '0')
    -- The beginning of an empty value is that of nothing.
    holds = expected == 'p' and (read ~= '' or call('EXISTS', key) == 1)
  end
  if type(read) == 'table' then
    return failed(read, place)
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
for probe = 1, #KEYS > last_of_shards and 2 or 0 do
  -- Additions first: a server whose memory is full refuses them only before other writes.
  local probed = probe == 1 and 'a' or 'r'
  local word = first_of_sets
  for place = last_of_shards + 1, #KEYS do
    local kind = sub(ARGV[word], 1, 1)
    if kind == probed then
      local answer
      if kind == 'a' then
        answer = pcall('ZADD', KEYS[place], 'XX', '0', '')
      else
        answer = pcall('ZREM', KEYS[place], '')
      end
      if type(answer) == 'table' then
        return failed(answer, place)
      end
    end
    word = word + 1 + tonumber(sub(ARGV[word], 2))
  end
end
-- The list index comes first. If it refuses an entry, no record is written: an entry without a record does no harm.
local word = first_of_shards
for place = conditions + writes + 1, last_of_shards do
  local last = word + tonumber(ARGV[word])
  for entry = word + 1, last do
    local added = pcall('ZADD', KEYS[place], '0', ARGV[entry])
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
  -- The most frequent writes come first.
  if spec == 'u' then
    -- What is not there does not expire either.
    call('SET', key, value, 'KEEPTTL')
  elseif spec == 'p' then
    call('SET', key, value)
  else
    write(key, sub(spec, 1, 1), sub(spec, 2, 2), sub(spec, 3), value)
  end
end
word = first_of_sets
for place = last_of_shards + 1, #KEYS do
  local last = word + tonumber(sub(ARGV[word], 2))
  for change = word + 1, last do
    local member = sub(ARGV[change], 2)
    if sub(ARGV[change], 1, 1) == '+' then
      call('ZADD', KEYS[place], '0', member)
    else
      call('ZREM', KEYS[place], member)
    end
  end
  word = last + 1
end
return 0
