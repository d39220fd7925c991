-- What all scripts share. Versions and client_seqs are below 2^53, so a Lua number holds
-- them; it must never be printed but by digits(): tostring(1e14) is '1e+14'. Generations
-- reach 2^64, so they stay text.
local ZERO = string.rep('\0', 16)
local KEPT_MS = 7 * 24 * 60 * 60 * 1000

local function digits(number) return string.format('%.0f', number) end

local function below(a, b)
  if #a ~= #b then return #a < #b end
  local high_a, high_b = tonumber(string.sub(a, 1, 10)), tonumber(string.sub(b, 1, 10))
  if high_a ~= high_b then return high_a < high_b end
  return (tonumber(string.sub(a, 11)) or 0) < (tonumber(string.sub(b, 11)) or 0)
end

-- The number after a generation; stays at the highest.
local function raised(number)
  if number == '18446744073709551615' then return number end
  local at = #number
  while at > 0 and string.sub(number, at, at) == '9' do at = at - 1 end
  local zeros = string.rep('0', #number - at)
  if at == 0 then return '1' .. zeros end
  return string.sub(number, 1, at - 1) .. tostring(tonumber(string.sub(number, at, at)) + 1) .. zeros
end

-- Time of day in ms as text: the caller's, or else this server's, which is one for all.
local function now_ms(given)
  if given ~= '' then return given end
  local time = redis.call('TIME')
  return digits(tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
end

-- Whether state and log belong together: the last entry is that of the head. Where the
-- log is empty, nothing may have been written, or all of it is in the snapshot.
local function whole(log, epoch, version, floor)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not last then return version == floor and (epoch ~= '' or version == 0) end
  return epoch ~= '' and last[1] == digits(version) .. '-0'
end

-- The running hash after an entry, if it is there.
local function hash_at(log, version)
  local id = digits(version) .. '-0'
  local entry = redis.call('XRANGE', log, id, id)[1]
  if entry and entry[2][4] ~= '' then return entry[2][4] end
end

-- How long the operation in a record is: what is behind its fields.
local function operation_bytes(record)
  local _, low, high = string.byte(record, 1, 3)
  return #record - 3 - (low or 0) - 256 * (high or 0)
end

-- Entries after a version, as a list of id, record, id, record; about so many bytes of
-- operations.
local function page(log, after, bytes)
  local found, size, from = {}, 0, '(' .. digits(after) .. '-0'
  while true do
    local entries = redis.call('XRANGE', log, from, '+', 'COUNT', 128)
    for _, entry in ipairs(entries) do
      size = size + operation_bytes(entry[2][2])
      if size > bytes and #found > 0 then return found end
      found[#found + 1], found[#found + 2] = entry[1], entry[2][2]
    end
    if #entries < 128 then return found end
    from = '(' .. entries[#entries][1]
  end
end

-- A client's record: generation, client_seq, version, last seen, user.
local function record_of(state, client)
  local text = redis.call('HGET', state, 'c' .. client)
  if not text then return nil end
  local generation, seq, version, seen, user = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
  return {generation = generation, stored_generation = generation, seq = seq, version = version, seen = seen, user = user}
end

local function write_record(state, client, known)
  local numbers = known.generation .. ' ' .. known.seq .. ' ' .. known.version .. ' ' .. known.seen
  redis.call('HSET', state, 'c' .. client, numbers .. ' ' .. known.user)
end

-- Whether a client may be forgotten: last seen too long ago, and without an entry left.
local function forgettable(known, now, floor)
  return tonumber(known.seen) + KEPT_MS < tonumber(now) and tonumber(known.version) <= floor
end
