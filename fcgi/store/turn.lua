-- turn.lua - a stub, until the script is there: every call is answered, nobody is given anything.
local P = string.sub(KEYS[1], 1, -5)
if ARGV[1] ~= '1' then return {'proto', 1} end
local time = redis.call('TIME')
local v = time[1] * 1000000 + time[2]
redis.call('HSET', P .. 'meta', 'proto', '1', 'run', ARGV[2], 'v', string.format('%.0f', v))
return {'ok', v, 0, 0, 1, {}, {}, {}, {}, {}, {}}
