-- A record, a claim, and the records of the entity that the claim names.
-- KEYS: the record, the claim. ARGV: what the keys of the entity's records have before the text of the claim; what each has behind.
local also, claim = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
local answers = { also, claim }
-- The claim ends with a JSON text. One with escapes is not followed: its caller reads the records.
local entity = claim and string.match(claim, '"([^"\\]*)"$')
if entity then
  for place = 2, #ARGV do
    local record = redis.pcall('GET', ARGV[1] .. entity .. ARGV[place])
    if type(record) == 'table' then
      -- It cannot be read, or the server takes no key that it was not given.
      return { also, claim }
    end
    answers[place + 1] = record
  end
end
return answers
