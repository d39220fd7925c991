-- Tells where the log stands. With a client, binds an unknown id to the user and raises
-- its generation in the same step.
--
-- KEYS  state, log
-- ARGV  time now in ms ('' for this server's); client ('' for none); user
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash', 'floor')
local epoch, version, hash = head[1] or '', tonumber(head[2] or '0'), head[3] or ZERO
local floor = tonumber(head[4] or '0')
if not whole(KEYS[2], epoch, version, floor) then return {'broken'} end
local answer = {'opened', epoch, digits(version), hash, digits(floor)}
if ARGV[2] ~= '' then
  local now = now_ms(ARGV[1])
  local known = record_of(KEYS[1], ARGV[2])
  if known and forgettable(known, now, floor) then known = nil end
  known = known or {generation = '0', seq = '0', version = '0', seen = '0', user = ARGV[3]}
  if known.user ~= ARGV[3] then return {'other user'} end
  known.generation = raised(known.generation)
  if tonumber(known.seen) < tonumber(now) then known.seen = now end
  write_record(KEYS[1], ARGV[2], known)
  answer[6], answer[7], answer[8] = known.generation, known.seq, known.version
end
return answer
