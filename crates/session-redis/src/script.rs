//! The Lua scripts. All times are microseconds. Those of sessions are of our clock and come in as arguments; what is stored is the
//! argument's text, because Lua prints large numbers with 14 digits only. (As numbers they are exact up to 2^53 µs: the year 2255.)

use redis::Script;

/// What every script begins with.
const PRELUDE: &str = r"
-- Beyond the end by our clock, for clocks that run apart: 10 s, in ms.
local GRACE = 10000
local function ttl(us)
  return string.format('%.0f', math.ceil(math.max(us, 0) / 1000) + GRACE)
end
-- A session that is alive at `now`; one that is not is deleted.
local function live(key, now)
  local v = redis.call('HMGET', key, 'data', 'seen', 'exp', 'idle', 'member')
  if not v[1] then return nil end
  if now >= tonumber(v[3]) or now >= tonumber(v[2]) + tonumber(v[4]) then
    redis.call('DEL', key)
    return nil
  end
  return { data = v[1], seen = v[2], exp = tonumber(v[3]), idle = tonumber(v[4]), member = v[5] }
end
local function key_of(prefix, member)
  return prefix .. string.sub(member, 1, 64)
end
-- Writes a session and its index entry; s holds the arguments' texts.
local function keep(key, index, s)
  redis.call('HSET', key, 'data', s.data, 'seen', s.seen, 'exp', s.exp, 'idle', s.idle, 'member', s.member)
  local left = tonumber(s.exp) - tonumber(s.seen)
  redis.call('PEXPIRE', key, ttl(math.min(tonumber(s.idle), left)))
  redis.call('ZADD', index, s.created, s.member)
  if redis.call('PTTL', index) < tonumber(ttl(left)) then redis.call('PEXPIRE', index, ttl(left)) end
end
";

/// KEYS session, index; ARGV data, created, exp, idle, member, prefix, cap.
const CREATE: &str = r"
keep(KEYS[1], KEYS[2],
  { data = ARGV[1], created = ARGV[2], seen = ARGV[2], exp = ARGV[3], idle = ARGV[4], member = ARGV[5] })
local now, prefix, alive = tonumber(ARGV[2]), ARGV[6], {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if member == ARGV[5] or live(key_of(prefix, member), now) then
    alive[#alive + 1] = member
  else
    redis.call('ZREM', KEYS[2], member)
  end
end
local excess = #alive - tonumber(ARGV[7])
for _, member in ipairs(alive) do
  if excess <= 0 then break end
  if member ~= ARGV[5] then
    redis.call('DEL', key_of(prefix, member))
    redis.call('ZREM', KEYS[2], member)
    excess = excess - 1
  end
end
return 1
";

/// KEYS session, index; ARGV now. The session's data, or nil. What a request runs when `seen` is to move or the session is over.
const TOUCH: &str = r"
local v = redis.call('HMGET', KEYS[1], 'data', 'seen', 'exp', 'idle')
if not v[1] then return false end
local now, seen, exp, idle = tonumber(ARGV[1]), tonumber(v[2]), tonumber(v[3]), tonumber(v[4])
if now >= exp or now >= seen + idle then
  redis.call('ZREM', KEYS[2], redis.call('HGET', KEYS[1], 'member'))
  redis.call('DEL', KEYS[1])
  return false
end
if now > seen then
  redis.call('HSET', KEYS[1], 'seen', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(math.min(idle, exp - now) / 1000) + 10000))
end
return v[1]
";

/// KEYS old session, new session, index; ARGV data, created, exp, idle, member. 1 when it was done.
const RENEW: &str = r"
local member = redis.call('HGET', KEYS[1], 'member')
if not member then return 0 end
local old = live(KEYS[1], tonumber(ARGV[2]))
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[3], member)
if not old then return 0 end
-- A session that keeps its birthday does not become idle by being renewed.
local seen = ARGV[2]
if tonumber(old.seen) > tonumber(seen) then seen = old.seen end
keep(KEYS[2], KEYS[3],
  { data = ARGV[1], created = ARGV[2], seen = seen, exp = ARGV[3], idle = ARGV[4], member = ARGV[5] })
return 1
";

/// KEYS index; ARGV now, prefix. Data and `seen` of each live session in turn, newest first.
const LIST: &str = r"
local now, found = tonumber(ARGV[1]), {}
for _, member in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  local s = live(key_of(ARGV[2], member), now)
  if s then
    found[#found + 1] = s.data
    found[#found + 1] = s.seen
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return found
";

/// KEYS index; ARGV prefix, user, one|others|all, session. How many sessions there were.
const REVOKE: &str = r"
local ended = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local id, user = string.match(member, '^%x+:([^:]+):([^:]+)$')
  local hit = user == ARGV[2]
  if ARGV[3] == 'one' then hit = hit and id == ARGV[4] end
  if ARGV[3] == 'others' then hit = hit and id ~= ARGV[4] end
  if hit then
    ended = ended + redis.call('DEL', key_of(ARGV[1], member))
    redis.call('ZREM', KEYS[1], member)
  end
end
return ended
";

/// KEYS bucket; ARGV interval, quota, cost, 1 to take (0 to look). The generic cell rate algorithm: the key holds the theoretical
/// arrival time, the moment at which the bucket is full again, and lives until then. Redis's own time decides, for all processes
/// alike. What is refused, or only looked at, writes nothing. Allowed, remaining, µs until full, µs until it fits.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval = tonumber(ARGV[1])
local burst = interval * tonumber(ARGV[2])
-- A time further away than an empty bucket's is of another rate, or of a clock that was put back since: it is mended.
local known = tonumber(redis.call('GET', KEYS[1]) or now)
local tat = math.min(math.max(known, now), now + burst)
local next = tat + interval * tonumber(ARGV[3])
local wait = math.max(next - burst - now, 0)
if wait == 0 and ARGV[4] == '1' then tat = next end
if ARGV[4] == '1' and tat > now and tat ~= known then
  local left = math.ceil((tat - now) / 1000) + 1
  redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', string.format('%.0f', left))
end
return { wait == 0 and 1 or 0, math.floor((burst - tat + now) / interval), tat - now, wait }
";

/// The script of the rate limits, with its digest.
pub(crate) fn take() -> Script {
    Script::new(TAKE)
}

/// The five scripts of the sessions, each with its digest.
pub(crate) struct Scripts {
    pub(crate) create: Script,
    pub(crate) touch: Script,
    pub(crate) renew: Script,
    pub(crate) list: Script,
    pub(crate) revoke: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let script = |body: &str| Script::new(&format!("{PRELUDE}{body}"));
        Self {
            create: script(CREATE),
            touch: Script::new(TOUCH),
            renew: script(RENEW),
            list: script(LIST),
            revoke: script(REVOKE),
        }
    }
}
