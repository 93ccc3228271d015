-- Puts records that do not expire, and an index entry, if no record is there: 0; otherwise the place of one that is, from 1.
-- The negative place of a key if it holds another type of value than it must.
-- KEYS: of those that must be absent, of those that are put, and of the set if there is an entry.
-- ARGV: how many must be absent, and how many are put; these, and the entry.
local absent, put = tonumber(ARGV[1]), tonumber(ARGV[2])
local function failed(answer, place)
  if string.find(answer.err, 'WRONGTYPE') then
    return -place
  end
  return answer
end
if redis.call('EXISTS', unpack(KEYS, 1, absent)) > 0 then
  for place = 1, absent do
    if redis.call('EXISTS', KEYS[place]) == 1 then
      local read = redis.pcall('GETRANGE', KEYS[place], 0, 0)
      return type(read) == 'table' and failed(read, place) or place
    end
  end
end
-- A write that fails does not undo those before it. So the first one is that which can fail.
local set = absent + put + 1
local added = 0
if KEYS[set] then
  added = redis.pcall('ZADD', KEYS[set], 0, ARGV[put + 3])
  if type(added) == 'table' then
    return failed(added, set)
  end
end
for place = 1, put do
  local done = redis.pcall('SET', KEYS[absent + place], ARGV[place + 2])
  if done.err then
    -- A user who may write the set may yet not be allowed to write the record.
    if place == 1 and added == 1 then
      redis.call('ZREM', KEYS[set], ARGV[put + 3])
    end
    return done
  end
end
return 0
