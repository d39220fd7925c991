-- A user's leases are one sorted set: the name of each lease, by the time in ms at which it
-- ends. The clock is that of Redis, one for all servers.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function digits(number) return string.format('%.0f', number) end

