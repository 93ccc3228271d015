-- Moves entries between a shard, those that wait to be swept, and the times since when they wait.
-- KEYS: the shard, the waiting entries, their times. ARGV: what to do, a moment, the entries.
local shard, waiting, times = KEYS[1], KEYS[2], KEYS[3]
local moved = 0
local now = nil
if ARGV[1] == 'wait' then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
for index = 3, #ARGV do
  local member = ARGV[index]
  if now then
    if redis.call('ZREM', shard, member) == 1 then
      redis.call('ZADD', waiting, 0, member)
      redis.call('ZADD', times, now, member)
      moved = moved + 1
    end
  else
    -- Somebody else may have brought it back and found it again since: its time is another one then.
    local since = redis.call('ZSCORE', times, member)
    if since and tonumber(since) < tonumber(ARGV[2]) then
      if ARGV[1] == 'restore' then
        redis.call('ZADD', shard, 0, member)
      end
      redis.call('ZREM', waiting, member)
      redis.call('ZREM', times, member)
      moved = moved + 1
    end
  end
end
return moved
