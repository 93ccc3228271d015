-- All writes if all conditions hold: 0; otherwise the place of a condition that does not, from 1.
-- KEYS: the conditions' keys, then the writes'. ARGV: the number of conditions; one word a condition; two words a write.
local conditions = tonumber(ARGV[1])
for place = 1, conditions do
  local key, expected = KEYS[place], ARGV[1 + place]
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
for place = conditions + 1, #KEYS do
  local key = KEYS[place]
  local word = 2 * place - conditions
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
