-- Writes a record that is as it was read, and keeps its TTL: 0; 1 if it is not; -1 if the key holds another type of value.
-- KEYS: the record. ARGV: the record, `t` or `v`, and the token of an envelope or the value that was read.
local read, is_same
if ARGV[2] == 't' then
  read = redis.pcall('GETRANGE', KEYS[1], 0, 11)
  -- The magic of an envelope, and the revision behind format and flags.
  is_same = type(read) == 'string' and string.sub(read, 1, 2) == '\255K' and string.sub(read, 5) == ARGV[3]
else
  read = redis.pcall('GET', KEYS[1])
  is_same = read == ARGV[3]
end
if is_same then
  redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
  return 0
end
if type(read) ~= 'table' then
  return 1
end
return string.find(read.err, 'WRONGTYPE') and -1 or read
