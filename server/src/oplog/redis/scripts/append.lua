-- Appends a batch: compares where the log stands, checks every member, writes all of it
-- or nothing, and publishes it. Scripts do not roll back, so everything is checked before
-- the first write, and nothing after it can fail.
--
-- KEYS  state, log
-- ARGV  expected epoch ('' for none), version, hash; new epoch; hash after; time now in ms
--       ('' for this server's); live channel; head of the live message; page bytes;
--       then of each member: client, client_seq, generation, user, record, hash after it
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash', 'floor', 'snapshot', 'snapshot_hash')
local epoch, version, hash = head[1] or '', tonumber(head[2] or '0'), head[3] or ZERO
local floor = tonumber(head[4] or '0')
if not whole(KEYS[2], epoch, version, floor) then return {'broken'} end

local expected = tonumber(ARGV[2])
local missed_after
if ARGV[1] == '' then
  if epoch ~= '' then
    missed_after = 0
  elseif expected ~= 0 or ARGV[3] ~= ZERO then
    return {'epoch', epoch, digits(version), hash}
  end
else
  if epoch ~= ARGV[1] or expected > version then return {'epoch', epoch, digits(version), hash} end
  local known
  if expected == version then
    known = hash
  elseif expected == 0 then
    known = ZERO
  elseif head[5] and expected == tonumber(head[5]) then
    known = head[6]
  elseif expected > floor then
    known = hash_at(KEYS[2], expected)
  end
  if known and known ~= ARGV[3] then return {'epoch', epoch, digits(version), hash} end
  if expected < version then missed_after = expected end
end
if missed_after then
  local missed = {}
  if missed_after >= floor then missed = page(KEYS[2], missed_after, tonumber(ARGV[9])) end
  return {'conflict', epoch, digits(version), hash, missed}
end

local now = now_ms(ARGV[6])
local count = (#ARGV - 9) / 6
-- Who appends nothing asks whether this is the history, and that is answered.
if count == 0 then return {'committed', epoch} end
local records, refused = {}, {}
for index = 1, count do
  local at = 9 + (index - 1) * 6
  local client, seq, generation, user = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = records[client]
  if known == nil then
    known = record_of(KEYS[1], client) or false
    records[client] = known
  end
  if known and below(generation, known.stored_generation) then
    refused[#refused + 1] = {index - 1, 'fenced'}
  elseif known and known.user ~= user then
    refused[#refused + 1] = {index - 1, 'other user'}
  elseif known and tonumber(seq) <= tonumber(known.seq) then
    refused[#refused + 1] = {index - 1, 'duplicate', known.seq, known.version}
  else
    if not known then
      known = {generation = generation, stored_generation = '0', user = user, seen = '0'}
      records[client] = known
    end
    if below(known.generation, generation) then known.generation = generation end
    known.seq, known.version, known.written = seq, digits(version + index), true
  end
end
if #refused > 0 then return {'refused', refused} end

local payload = {ARGV[8]}
for index = 1, count do
  local record, hash_after = ARGV[8 + index * 6], ARGV[9 + index * 6]
  redis.call('XADD', KEYS[2], digits(version + index) .. '-0', 'e', record, 'h', hash_after)
  payload[index + 1] = record
end
if epoch == '' then epoch = ARGV[4] end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'version', digits(version + count), 'hash', ARGV[5])
for client, known in pairs(records) do
  if known and known.written then
    if tonumber(known.seen) < tonumber(now) then known.seen = now end
    write_record(KEYS[1], client, known)
  end
end
redis.call('SPUBLISH', ARGV[7], table.concat(payload))
return {'committed', epoch}
