"""What runs in Redis, one script for each thing that is shared; each touches one key, with a TTL.

Numbers come back as strings: Lua's own are cut to integers on their way.
"""

# An origin's bucket: the rule of `RetryBudget`, by the server's clock. A worker's requests, and
# what it gives back, are taken to have come evenly since it asked last. Requests are of this window
# and the one before, or, where that is more, as many as the worker that asks would send in one at
# its own pace; what is given back counts as far as anything was missing then. Who asks for more
# than it needs gets an eighth of what is left.
LEASE = """
local capacity, share, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local requests, given, age = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local least, most, more = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local pace = tonumber(ARGV[11])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'missing', 'since', 'count', 'before', 'ends')
local missing, since = tonumber(kept[1]) or 0, math.min(tonumber(kept[2]) or now, now)
local count, before = tonumber(kept[3]) or 0, tonumber(kept[4]) or 0
local ends = math.min(tonumber(kept[5]) or now, now + window)

if now >= ends then
  before = count * math.max(0, 1 - (now - ends) / window)
  count, ends = 0, now + window
end
local span = age > 0 and math.min(age, window) or window
local inside = requests * math.min(1, (now - ends + window) / span)
count = count + inside
before = before + (requests - inside) * window / (ends - now)
local of_late = count + before * (ends - now) / window

if missing > 0 and age > 0 then
  local counts = math.max(0, math.min(1, (now - since) / age))
  missing = math.max(0, missing - given * counts)
end
if missing == 0 then since = now end

local free = math.max(capacity, share * math.max(of_late, pace)) - missing
local granted = 0
if free + 0.001 >= least then
  granted = math.min(math.max(free, least), most)
  granted = granted + math.max(0, math.min(more - granted, math.floor((free - granted) / 8)))
end

local function exact(number) return string.format('%.6f', number) end
redis.call('HSET', KEYS[1], 'missing', exact(missing + granted), 'since', exact(since),
  'count', exact(count), 'before', exact(before), 'ends', exact(ends))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return exact(granted)
"""

# An origin's cool-down is the time that its key has to live: a longer one is not shortened. Who
# tells of one always writes: a Redis that cannot be written to is not shared.
COOL_DOWN = """
local told = tonumber(ARGV[1])
local left = math.max(told, redis.call('PTTL', KEYS[1]))
if told > 0 then
  redis.call('SET', KEYS[1], '', 'PX', left)
end
return tostring(left)
"""
