-- The next entries of shards: for each its members, those that wait to be swept, and its marker.
-- KEYS: a shard and its waiting entries, in turns. ARGV: where to begin and to end, how many, the marker.
local answers = {}
for index = 1, #KEYS, 2 do
  local shard, waiting = KEYS[index], KEYS[index + 1]
  local members = redis.call('ZRANGE', shard, ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, ARGV[3])
  local others = redis.call('ZRANGE', waiting, ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, ARGV[3])
  local is_complete = redis.call('ZSCORE', shard, ARGV[4]) and 1 or 0
  answers[#answers + 1] = { members, others, is_complete }
end
return answers
