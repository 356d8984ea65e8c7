"""What a node does in Redis, as scripts: Redis runs each of them as a whole, with nothing in between.

The keys of a cluster, behind its name and a colon:

================== ===================================================================================================
``state``          hash: ``run``, ``generation`` and ``lineage`` (see ``founding``); ``position``: the last one of the
                   stream; ``number``: that of the last turn; ``holder``: the home that has the turn, or empty;
                   ``since``: Redis's clock when a home was given it, in ms;
                   ``broken``: 1 if the turn before the one of now may have ended in the middle; ``epochs``: the last
                   epoch; ``first``: the home that makes the world, if no node has one
``stream``         the entries: the id is the position and ``-0``, ``m`` is "home turn generation", ``d`` the data
``nodes``          hash: the registered nodes, name to epoch
``ready``          hash: those of them that have a world, name to epoch
``facts``          hash: what each has told of itself, as JSON
``tokens``         hash: which process has registered under a name last
``lease:NAME``     the epoch of a living node; it ends with the lease
``queue``          list: the homes that wait for the turn
``grant:HOME``     list: the turn that was handed to a home, until the home takes it
``snapshot:HOME``  a world for a node that joins, for a minute
``told:HOME``      how far a home has told its people, as JSON (``told``); for an hour from its last heartbeat
``roll:RUN``       set: the tokens of the processes that take part in an agreement; ``roll:RUN:TOKEN``: each one's claim
================== ===================================================================================================

A script begins with ``run``, the generation, the name and the epoch of the node that asks. It answers ``lost`` if the
nodes must agree first, and ``fenced`` if the node is not registered. A node may send each one twice, if the answer to
the first was lost.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

_NAMES = """
local prefix = KEYS[1]
local run, generation, name, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local home = name .. '/' .. epoch
local state_key, nodes_key, queue_key = prefix .. 'state', prefix .. 'nodes', prefix .. 'queue'
local stream_key = prefix .. 'stream'
"""
_AGREED = """
local state = redis.call('HMGET', state_key, 'run', 'generation', 'position', 'number', 'holder', 'broken')
if state[1] ~= run or state[2] ~= generation then return {'lost'} end
local position, number, holder, broken = state[3], state[4], state[5], state[6]
"""
_REGISTERED = """
if redis.call('HGET', nodes_key, name) ~= epoch then return {'fenced'} end
"""
_GIVE = """
-- Give the turn to a home, and return its number.
local function give(to)
    local now = redis.call('TIME')
    redis.call('HSET', state_key, 'holder', to, 'since', now[1] .. string.format('%03d', math.floor(now[2] / 1000)))
    return tostring(redis.call('HINCRBY', state_key, 'number', 1))
end
"""
_HAND_ON = """
-- Hand the turn to the first home in the queue that is registered and alive, or to nobody.
local function hand_on()
    local now = redis.call('HMGET', state_key, 'position', 'broken')
    while true do
        local to = redis.call('LPOP', queue_key)
        if not to then break end
        local its_name, its_epoch = string.match(to, '^(.*)/(%d+)$')
        if its_name and redis.call('HGET', nodes_key, its_name) == its_epoch
            and redis.call('GET', prefix .. 'lease:' .. its_name) == its_epoch then
            local grant_key = prefix .. 'grant:' .. to
            redis.call('DEL', grant_key)
            redis.call('RPUSH', grant_key, give(to) .. ' ' .. now[1] .. ' ' .. now[2])
            redis.call('PEXPIRE', grant_key, 60000)
            return
        end
    end
    redis.call('HSET', state_key, 'holder', '')
end
"""
_DROP = """
-- End the registration of a node. The turn that it may have is broken, and handed on.
local function drop(its_name, its_epoch)
    local its_home = its_name .. '/' .. its_epoch
    for _, key in ipairs({'nodes', 'ready', 'facts'}) do redis.call('HDEL', prefix .. key, its_name) end
    redis.call('LREM', queue_key, 0, its_home)
    redis.call('DEL', prefix .. 'grant:' .. its_home, prefix .. 'snapshot:' .. its_home)
    if redis.call('GET', prefix .. 'lease:' .. its_name) == its_epoch then
        redis.call('DEL', prefix .. 'lease:' .. its_name)
    end
    if redis.call('HGET', state_key, 'holder') == its_home then
        redis.call('HSET', state_key, 'broken', '1')
        hand_on()
    end
end
"""
_CLAIM_FIRST = """
-- Return 1 if a home shall make the world: nobody has one, and nobody else that is registered is about to make it.
local function claim_first(its_home)
    if redis.call('HLEN', prefix .. 'ready') > 0 then return 0 end
    local first = redis.call('HGET', state_key, 'first')
    if first and first ~= its_home then
        local its_name, its_epoch = string.match(first, '^(.*)/(%d+)$')
        if its_name and redis.call('HGET', nodes_key, its_name) == its_epoch then return 0 end
    end
    redis.call('HSET', state_key, 'first', its_home)
    return 1
end
"""


@dataclass(frozen=True, slots=True)
class Script:
    """The text of a script, and the digest by which Redis knows it."""

    text: str = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        made = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", made)


JOIN = Script(
    _NAMES
    + _GIVE
    + _HAND_ON
    + _DROP
    + _CLAIM_FIRST
    + """
-- Register a process under a name, with a new epoch, unless another process has the name's lease.
-- Arguments: the process's token, the length of the lease in ms.
local token, lease_ms = ARGV[5], ARGV[6]
local known = redis.call('HMGET', state_key, 'run', 'generation', 'lineage', 'position')
if known[1] ~= run then return {'lost'} end
local lease_key = prefix .. 'lease:' .. name
local lease = redis.call('GET', lease_key)
if lease and redis.call('HGET', prefix .. 'tokens', name) ~= token then
    return {'runs', lease, tostring(redis.call('PTTL', lease_key))}
end
local before = redis.call('HGET', nodes_key, name)
if before then drop(name, before) end
local new = tostring(redis.call('HINCRBY', state_key, 'epochs', 1))
redis.call('HSET', nodes_key, name, new)
redis.call('HSET', prefix .. 'tokens', name, token)
redis.call('SET', lease_key, new, 'PX', lease_ms)
return {'joined', new, known[2], known[3], known[4], tostring(claim_first(name .. '/' .. new))}
"""
)

CLAIM_FIRST = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + _CLAIM_FIRST
    + """
-- Ask if this node shall make the world.
return {tostring(claim_first(home))}
"""
)

MARK_READY = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + """
-- Note that this node has a world.
redis.call('HSET', prefix .. 'ready', name, epoch)
return {'done'}
"""
)

ACQUIRE = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + _GIVE
    + """
-- Give the turn to this node, if it has it already or nobody has it; else put the node into the queue, once.
if holder == home then
    redis.call('DEL', prefix .. 'grant:' .. home)
    return {'turn', number, position, broken}
end
if holder == '' then return {'turn', give(home), position, broken} end
if not redis.call('LPOS', queue_key, home) then redis.call('RPUSH', queue_key, home) end
return {'wait'}
"""
)

APPEND = Script(
    _NAMES
    + _AGREED
    + _GIVE
    + _HAND_ON
    + """
-- End a turn with an entry, and hand it on.
-- Arguments: the turn's number, the entry's position, its data, about how many entries the stream keeps, and 1 if it
-- tells what a broken turn before may have left.
local turn, at = ARGV[5], ARGV[6]
if tonumber(position) >= tonumber(at) then
    -- There is one of that position. It is this one if the answer to the first try was lost.
    local there = redis.call('XRANGE', stream_key, at .. '-0', at .. '-0')[1]
    if there and string.find(there[2][2], home .. ' ' .. turn .. ' ', 1, true) == 1 then return {'done'} end
    return {'fenced'}
end
if holder ~= home or number ~= turn or tonumber(position) + 1 ~= tonumber(at) then return {'fenced'} end
local meta = home .. ' ' .. turn .. ' ' .. generation
local entry = {stream_key, 'MAXLEN', '~', ARGV[8], at .. '-0', 'm', meta, 'd', ARGV[7]}
local added = redis.pcall('XADD', unpack(entry))
if type(added) == 'table' and added.err then
    -- Another program may have written behind the last entry, where nobody has read anything.
    for _, foreign in ipairs(redis.call('XRANGE', stream_key, '(' .. position .. '-0', '+')) do
        redis.call('XDEL', stream_key, foreign[1])
    end
    redis.call('XSETID', stream_key, position .. '-0')
    redis.call('XADD', unpack(entry))
end
redis.call('HSET', state_key, 'position', at, 'broken', ARGV[9] == '1' and '0' or broken)
hand_on()
return {'done'}
"""
)

RELEASE = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + _GIVE
    + _HAND_ON
    + """
-- End a turn without an entry, if it is not over already. Argument: its number.
if holder == home and number == ARGV[5] then
    redis.call('HSET', state_key, 'broken', '0')
    hand_on()
end
return {'done'}
"""
)

ADD_NODES = """
-- Add each registered node to an answer, with 1 or 0 for its lease and for its world, and with its facts.
local function add_nodes(answer)
    local nodes = redis.call('HGETALL', KEYS[1] .. 'nodes')
    for i = 1, #nodes, 2 do
        local is_alive = redis.call('GET', KEYS[1] .. 'lease:' .. nodes[i]) == nodes[i + 1]
        local is_ready = redis.call('HGET', KEYS[1] .. 'ready', nodes[i]) == nodes[i + 1]
        local facts = redis.call('HGET', KEYS[1] .. 'facts', nodes[i]) or '{}'
        answer[#answer + 1] = {nodes[i], nodes[i + 1], is_alive and '1' or '0', is_ready and '1' or '0', facts}
    end
end
"""
HEARTBEAT = Script(
    _NAMES
    + ADD_NODES
    + _AGREED
    + _REGISTERED
    + """
-- Renew the lease, tell of this node, and hear of all. A lease that has ended is renewed too, if nobody has taken the
-- node from the registered ones meanwhile. Arguments: the length of the lease in ms, the facts, how far this node has
-- told its people (or nothing), and for how many ms that is kept. What Redis has of that stays: it may be newer.
-- If it is not, the node leaves it again.
redis.call('SET', prefix .. 'lease:' .. name, epoch, 'PX', ARGV[5])
redis.call('HSET', prefix .. 'facts', name, ARGV[6])
local told_key = prefix .. 'told:' .. home
if ARGV[7] ~= '' and not redis.call('SET', told_key, ARGV[7], 'NX', 'PX', ARGV[8]) then
    redis.call('PEXPIRE', told_key, ARGV[8])
end
local answer = {'nodes'}
add_nodes(answer)
for i = 2, #answer do
    local told = redis.pcall('GET', prefix .. 'told:' .. answer[i][1] .. '/' .. answer[i][2])
    answer[i][6] = type(told) == 'string' and told or ''
end
return answer
"""
)

REMOVE = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + _GIVE
    + _HAND_ON
    + _DROP
    + """
-- Take a node from the registered ones, if its lease is still missing. Arguments: its name and epoch.
if redis.call('HGET', nodes_key, ARGV[5]) ~= ARGV[6] then return {'0'} end
if redis.call('GET', prefix .. 'lease:' .. ARGV[5]) == ARGV[6] then return {'0'} end
drop(ARGV[5], ARGV[6])
return {'1'}
"""
)

TRIM = Script(
    _NAMES
    + _AGREED
    + _REGISTERED
    + """
-- Remove old entries: many in steps, so that nobody waits long. Arguments: the first position that stays, how many at
-- once.
local at = ARGV[5] .. '-0'
if redis.call('XTRIM', stream_key, 'MINID', '~', at, 'LIMIT', ARGV[6]) < tonumber(ARGV[6]) then
    redis.call('XTRIM', stream_key, 'MINID', at)
    return {'done'}
end
return {'more'}
"""
)

LEAVE = Script(
    _NAMES
    + _AGREED
    + _GIVE
    + _HAND_ON
    + _DROP
    + """
-- End this node's registration.
if redis.call('HGET', nodes_key, name) == epoch then drop(name, epoch) end
return {'done'}
"""
)

RESUME = Script(
    _NAMES
    + """
-- Ask what the nodes have agreed on, for a node that knows an older generation.
local state = redis.call('HMGET', state_key, 'run', 'generation', 'lineage', 'position', 'number', 'holder')
if state[1] ~= run then return {'open'} end
if redis.call('HGET', nodes_key, name) ~= epoch then return {'fenced'} end
return {'agreed', state[2], state[3], state[4], state[6] == home and state[5] or '0'}
"""
)

CALL_ROLL = Script(
    _NAMES
    + """
-- Leave a claim for the agreement, and return what Redis has kept, and the claims of all that are there.
-- Arguments: the process's token, its claim, for how many ms the claim counts.
local state = redis.call('HMGET', state_key, 'run', 'generation', 'position', 'number', 'holder', 'broken', 'epochs',
    'lineage')
if state[1] == run then return {'agreed'} end
local roll_key = prefix .. 'roll:' .. run
redis.call('SADD', roll_key, ARGV[5])
redis.call('EXPIRE', roll_key, 600)
redis.call('SET', roll_key .. ':' .. ARGV[5], ARGV[6], 'PX', ARGV[7])
local claims = {}
for _, token in ipairs(redis.call('SMEMBERS', roll_key)) do
    local claim = redis.call('GET', roll_key .. ':' .. token)
    if claim then claims[#claims + 1] = claim end
end
return {'open', redis.call('HGETALL', nodes_key), claims, state[2] or '', state[3] or '', state[4] or '',
    state[5] or '', state[6] or '', state[7] or '', state[8] or ''}
"""
)

FOUND = Script(
    _NAMES
    + """
-- Write what the nodes agree on: the founder's plan, unless somebody with more has come, or somebody else was quicker.
-- Arguments: the founder's token, its rank, the plan, the length of a lease in ms, and three for each entry to write.
local state_run = redis.call('HGET', state_key, 'run')
if state_run == run then return {'agreed'} end
local rank, plan = cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
local roll_key = prefix .. 'roll:' .. run
for _, token in ipairs(redis.call('SMEMBERS', roll_key)) do
    local claim = redis.call('GET', roll_key .. ':' .. token)
    if claim and token ~= ARGV[5] then
        local other = cjson.decode(claim).rank
        for i = 1, #rank do
            if other[i] > rank[i] then return {'outranked'} end
            if other[i] < rank[i] then break end
        end
    end
end
if not plan.keeps then redis.call('DEL', stream_key) end
for i = 9, #ARGV, 3 do redis.call('XADD', stream_key, ARGV[i] .. '-0', 'm', ARGV[i + 1], 'd', ARGV[i + 2]) end
-- What was granted and not taken is over: its node has made no claim on it.
local known = redis.call('HGETALL', nodes_key)
for i = 1, #known, 2 do redis.call('DEL', prefix .. 'grant:' .. known[i] .. '/' .. known[i + 1]) end
redis.call('DEL', nodes_key, prefix .. 'ready', queue_key)
for its_name, its_epoch in pairs(plan.nodes) do
    redis.call('HSET', nodes_key, its_name, its_epoch)
    redis.call('SET', prefix .. 'lease:' .. its_name, its_epoch, 'PX', ARGV[8])
end
for _, its_name in ipairs(plan.ready) do
    redis.call('HSET', prefix .. 'ready', its_name, plan.nodes[its_name])
end
redis.call('HDEL', state_key, 'first')
redis.call('HSET', state_key, 'run', run, 'generation', plan.generation, 'lineage', plan.lineage,
    'position', plan.position, 'number', plan.number, 'holder', plan.holder, 'broken', plan.broken,
    'epochs', plan.epochs)
return {'agreed'}
"""
)
