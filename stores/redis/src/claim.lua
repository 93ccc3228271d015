-- A record, a claim, and the records of the entity that the claim names.
-- KEYS: the record, the claim. ARGV: what the keys of the entity's records have before the text of the claim; what each has behind.
local claim = redis.pcall('GET', KEYS[2])
local answers = { redis.pcall('GET', KEYS[1]), claim }
-- The claim ends with a JSON text. One with escapes is not followed: its caller reads the records.
local entity = type(claim) == 'string' and string.match(claim, '"([^"\\]*)"$')
if entity then
  for place = 2, #ARGV do
    answers[place + 1] = redis.pcall('GET', ARGV[1] .. entity .. ARGV[place])
  end
end
return answers
