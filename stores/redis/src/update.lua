-- Writes records that are as they were read, and keeps their TTLs: 0; otherwise the place of one that is not, from 1.
-- The negative place of a key if it holds another type of value.
-- KEYS: the records. ARGV: for each the new record, `t` or `v`, and the token of an envelope or the value that was read.
-- Numbers in commands are given as text: the server formats each other one as a fraction of 17 digits.
local call, pcall, sub = redis.call, redis.pcall, string.sub
for place, key in ipairs(KEYS) do
  local expected = ARGV[3 * place]
  local read, is_same
  if ARGV[3 * place - 1] == 't' then
    read = pcall('GETRANGE', key, '0', '11')
    -- The magic of an envelope, and the revision behind format and flags.
    is_same = type(read) == 'string' and sub(read, 1, 2) == '\255K' and sub(read, 5) == expected
  else
    read = pcall('GET', key)
    is_same = read == expected
  end
  if not is_same then
    if type(read) ~= 'table' then
      return place
    end
    return string.find(read.err, 'WRONGTYPE') and -place or read
  end
end
for place, key in ipairs(KEYS) do
  call('SET', key, ARGV[3 * place - 2], 'KEEPTTL')
end
return 0
