import { createHash } from 'node:crypto'

/**
 * The Lua behind the Redis feed. Per turn there is a head (a hash: attempt, length in UTF-16 units, agentId, ended) and
 * per attempt a text; an index per conversation names its live turns. All keys of a conversation share a hash tag.
 *
 * Texts are stored as the inside of a JSON string: two pieces that each hold half of a surrogate pair then join to the
 * right character, which as UTF-8 they could not.
 */

/** A script and the hash by which a Redis that has seen it knows it. */
export interface RedisScript {
  lua: string
  sha: string
}

const script = (lua: string): RedisScript => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

const HEAD = `
local attempt = tonumber(ARGV[1])
local head = redis.call('HMGET', KEYS[1], 'attempt', 'length', 'ended')
local current = tonumber(head[1]) or 0
if current > attempt or (current == attempt and head[3] == '1') then return 'stale' end
`

const STORE = `
redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'length', length, 'agentId', ARGV[2], 'ended', '0')
redis.call('SADD', KEYS[2], ARGV[4])
local ttl = tonumber(ARGV[3])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('PEXPIRE', KEYS[3], ttl) end
if current > 0 and current < attempt then redis.call('DEL', ARGV[5] .. current) end
if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return 'appended'
`

/**
 * KEYS: head, index, text of this attempt. ARGV: attempt, agentId, ttl in ms, index member, prefix of text keys,
 * channel, event to publish ('' for none), offset, piece, its length.
 */
export const APPEND = script(`${HEAD}
local soFar = 0
if current == attempt then soFar = tonumber(head[2]) or 0 end
if soFar ~= tonumber(ARGV[8]) then return 'gap' end
if soFar > 0 and redis.call('EXISTS', KEYS[3]) == 0 then return 'gap' end
if ARGV[9] ~= '' then redis.call('APPEND', KEYS[3], ARGV[9]) end
local length = soFar + tonumber(ARGV[10])
${STORE}`)

/** As APPEND; the piece is the whole text. */
export const REWRITE = script(`${HEAD}
redis.call('SET', KEYS[3], ARGV[9])
local length = tonumber(ARGV[10])
${STORE}`)

/** KEYS: head, index. ARGV: attempt, agentId, ttl in ms, index member, prefix of text keys. */
export const END = script(`
local attempt = tonumber(ARGV[1])
local current = tonumber(redis.call('HGET', KEYS[1], 'attempt')) or 0
if current > attempt then return 0 end
if current > 0 then redis.call('DEL', ARGV[5] .. current) end
redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'length', 0, 'agentId', ARGV[2], 'ended', '1')
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
redis.call('SREM', KEYS[2], ARGV[4])
return 1
`)

/** KEYS: head, index, text of this attempt. ARGV: ttl in ms. */
export const TOUCH = script(`
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, tonumber(ARGV[1])) end
return 1
`)

/**
 * KEYS: index. ARGV: prefix of heads, prefix of texts, then the members wanted (none: all of the index).
 * Answers a flat list: member, attempt, agentId, length, text (the inside of a JSON string) of each live turn.
 * One script, so that a turn's attempt and text belong together.
 */
export const READ = script(`
local members = {}
if #ARGV > 2 then
  for i = 3, #ARGV do members[#members + 1] = ARGV[i] end
else
  members = redis.call('SMEMBERS', KEYS[1])
end
local found = {}
for _, member in ipairs(members) do
  local head = redis.call('HMGET', ARGV[1] .. member, 'attempt', 'agentId', 'length', 'ended')
  if not head[1] then
    redis.call('SREM', KEYS[1], member)
  elseif head[4] ~= '1' then
    local text = redis.call('GET', ARGV[2] .. member .. ':' .. head[1]) or ''
    for _, value in ipairs({ member, head[1], head[2], head[3], text }) do found[#found + 1] = value end
  end
end
return found
`)
