-- turn.lua - what does the shared store answer to a call of a host?
--
--   EVALSHA sha 1 "sluice:{ACCOUNT}:meta" ARGV...   (fcgi/store/README.md)
--
-- A call settles what became of earlier leases, says who waits at the host, and
-- gets leases: the right to send one request each.  Who is best over all hosts
-- goes first; what is another host's lies in its mail, and it is woken.  All of
-- it happens at once, for a script runs alone.
--
-- The promise: no span of a scope ever has more than its limit.  It rests on
-- two clocks in microseconds, neither of which is the wall's:
--
--   up   never behind the truth: what happens is noted by it
--   v    never beyond it: what is over is judged by it
--
-- up is TIME, joined together where it steps back, set back where it stepped
-- forward.  v is the least of up and of what the host's own clock allows: b + o,
-- o being the least up - b seen of it.  For a send at W, told by a call that was
-- composed at C and run at E, L = up(E) - (C - W) is noted.  Later v <= up, and
-- up(E2) - up(E) <= E2 - E unless TIME stepped forward in between, and then
-- v(E2) <= b2 + o2 <= up as it was.  So v(E2) >= L + span means that span has
-- passed since W.  o may grow by a thousandth of the time, for clocks drift:
-- each span is longer by so much.  Whatever else is wrong (a long way, a host that is
-- new, a clock that jumps) makes v late, and a window last longer.
--
-- Keys, all with P before: (arrays are packed by cmsgpack, in the order of load_*)
--   meta            HASH    proto, life, run, m: the clocks and counters;
--                           "s:S", "c:C": there is a ledger of that name
--   hosts, gone     ZSETs   host -> up of its last call; those that are silent
--   mails           ZSET    host -> up when the first unfetched lease came
--   host:H          STRING  what is known of a host, its mail with it
--   q:S             STRING  a scope's counts, limits, virtual times, holds
--   log:S, open:S   ZSETs   lease -> when it was sent; when it will end
--   w:S             HASH    host -> who waits there
--   fl:S            HASH    class and client -> finish in virtual time
--   lease           HASH    id -> whose it is
--   cq:C, clog:C, copen:C, ctok:C    the same of a client with a limit
--   seen            ZSET    client without a limit -> when it was given a lease
--   scopes, clients ZSETs   name -> when it was last used
--   val, valv       HASH, ZSET       name -> value; name -> its version
-- None expires: a clock that steps would take the ledger.

local PROTO = '1'
local TTL = 3000000           -- of a lease
local SILENT = 1900000        -- a host without a call for so long is passed over
local CHECK = 100000          -- so often it is looked who is silent
local MAIL = 250000           -- what is not fetched by then is the next one's
local FLYING = 60000000       -- requests of a silent host count as in flight
local HOST_GONE = 3600000000  -- a host is forgotten
local LEDGER_GONE = 90000000000 -- a ledger is: longer than any window (a day)
local PROBE = 10000000        -- a probe of which nobody tells is over
local RECALL = 100000         -- hosts are asked so often to give back
local DRIFT = 1000            -- o grows by 1/DRIFT, and so do spans
local JUMP = 1000000          -- TIME is beyond all clocks at once: it stepped
local WATCH = 1000000         -- for so long the least excess is watched,
local SLACK = 2000            -- and from here on it is taken back
local WEIGHT = {16, 4, 1}     -- of the classes: state/policy/virtual_time.h

-- Bounds.  What is beyond them is an error, or waits for the next call.
local MAX_SETTLES, MAX_SCOPES, MAX_HEADS, MAX_PUTS = 1024, 64, 256, 64
local MAX_MAIL, MAX_OWN = 256, 512 -- leases in a mail; in an answer
local MAX_STEPS = 60000            -- comparisons of flows in a call
local MAX_VALUES, MAX_VALUE_BYTES = 64, 1048576
local MAX_TOLD = 64
local CHUNK = 1000                 -- unpack() has room for 8,000
local DAY = 86400000000
local BIG = 9007199254740992       -- 2^53: so far a double counts

local call, sub, format = redis.call, string.sub, string.format
local floor, max, min = math.floor, math.max, math.min
local pack, unpk = cmsgpack.pack, cmsgpack.unpack

local P = string.match(KEYS[1] or '', '^(.+:)meta$')

-- ---- what is asked --------------------------------------------------------------
-- All of it is read and judged before the first write: an error changes nothing.

local at = 0

local function fail(what)
    error({'ERR sluice: ' .. what .. ' (argument ' .. at .. ')'})
end

local function num(most, what)
    at = at + 1
    local x = tonumber(ARGV[at])
    -- Not a number is neither; x % 1 is NaN for infinity.
    if not x or x < 0 or x > most or x % 1 ~= 0 then
        fail(what .. ' is no number from 0 to ' .. format('%.0f', most))
    end
    return x
end

local function text(least, most, what)
    at = at + 1
    local s = ARGV[at]
    if not s or #s < least or #s > most then
        fail(what .. ' is no text of ' .. least .. ' to ' .. most .. ' bytes')
    end
    return s
end

-- An id is a field's name: as it was given, or it names nothing.
local function id_text()
    local s = text(1, 16, "a lease's id")
    if string.find(s, '%D') then
        fail("a lease's id is no number")
    end
    return s
end

local function read_settles()
    local list = {}
    for i = 1, num(MAX_SETTLES, 'the number of settles') do
        local s = {id = id_text(), what = text(1, 1, 'what became of a lease'),
                   age = num(DAY, 'an age'), tokens = num(4294967295, 'tokens'),
                   cls = num(3, 'a class'), client = text(0, 127, 'a client')}
        text(0, 127, 'a client')
        if not string.find('sbrhtf', s.what, 1, true) then
            fail('what became of a lease is none of s b r h t f')
        end
        if s.what == 'f' and s.cls > 2 then
            fail('a class is beyond 2')
        end
        list[i] = s
    end
    return list
end

local function read_head()
    local h = {cls = num(2, 'a class'), client = text(0, 127, 'a client'),
               share = num(1000, 'a share'), n = num(1000000, 'waiters'),
               since = num(10 * DAY, 'an age'), tokens = num(4294967295, 'tokens'),
               qr = num(1000000000, "a client's requests"),
               qs = num(DAY, "a client's span"),
               qt = num(BIG, "a client's tokens")}
    h.share = max(1, h.share)
    h.key = h.cls .. h.client
    if (h.qr > 0 or h.qt > 0) and h.qs == 0 then
        fail("a client's limit has no span")
    end
    return h
end

local function read_scopes()
    local list, seen, heads = {}, {}, 0
    for i = 1, num(MAX_SCOPES, 'the number of scopes') do
        local s = {name = text(1, 167, "a scope's name"),
                   limit = num(1000000, 'a limit'), span = num(DAY, 'a span'),
                   tl = num(BIG, 'a limit in tokens'), gap = num(DAY, 'a gap'),
                   inf = num(1000000, 'a limit in flight'),
                   flying = num(1000000, 'requests in flight'),
                   want = num(MAX_MAIL, 'leases ahead'),
                   unused = num(1000000, 'unused leases'), heads = {}}
        if seen[s.name] then
            fail('a scope is named twice')
        end
        if s.span == 0 then
            fail('a span is 0')
        end
        seen[s.name] = s
        local known = {}
        for k = 1, num(MAX_HEADS, 'the number of heads') do
            local h = read_head()
            heads = heads + 1
            if heads > MAX_HEADS then
                fail('more than ' .. MAX_HEADS .. ' heads')
            end
            if known[h.key] then
                fail('a client is named twice in a class')
            end
            known[h.key] = true
            s.heads[k] = h
        end
        list[i] = s
    end
    return list, seen
end

local function read_puts()
    local list = {}
    for i = 1, num(MAX_PUTS, 'the number of puts') do
        list[i] = {name = text(1, 191, "a value's name"),
                   base = num(BIG, 'a version'), blob = text(0, 65536, 'a value'),
                   hold = num(10 * DAY, 'a hold'), cap = num(1000000, 'a cap'),
                   gap = num(DAY, 'a gap'), probe = num(1, 'a probe')}
    end
    return list
end

local function read_ask()
    if not P then
        fail('the key does not end with :meta')
    end
    local a = {}
    a.proto = text(1, 8, 'the version')
    if a.proto ~= PROTO then
        return a -- what follows is of a version that is not ours
    end
    a.run = text(1, 128, 'the run id')
    a.host = text(16, 16, 'the host')
    if string.find(a.host, '[^0-9a-f]') then
        fail('the host is not 16 hex digits')
    end
    a.name = text(0, 63, "the host's name")
    a.epoch = num(BIG, 'the epoch')
    a.b = num(BIG, 'the boottime')
    local flags = num(15, 'the flags')
    a.sync, a.alone = flags % 2 >= 1, flags % 4 >= 2
    a.tell, a.leaving = flags % 8 >= 4, flags >= 8
    a.rtt = num(DAY, 'the round trip')
    a.vv = num(BIG, 'the version of values')
    a.settles = read_settles()
    a.scopes, a.named = read_scopes()
    a.puts = read_puts()
    if at ~= #ARGV then
        at = at + 1
        fail('more than was announced')
    end
    return a
end

local fine, ask = pcall(read_ask)
if not fine then
    return redis.error_reply(type(ask) == 'table' and ask[1] or 'ERR sluice: ' .. tostring(ask))
end
if ask.proto ~= PROTO then
    return {'proto', PROTO}
end

-- ---- the clocks, the host -------------------------------------------------------

local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local H, b = ask.host, ask.b

local asked = {KEYS[1], 'proto', 'life', 'run', 'm'}
for i = 1, #ask.scopes do
    asked[5 + i] = 's:' .. ask.scopes[i].name
end
local told = call('HMGET', unpack(asked))
if told[1] and told[1] ~= PROTO then
    return {'proto', told[1]}
end

local function load_host(name)
    local a = call('GET', P .. 'host:' .. name)
    a = a and unpk(a) or {}
    return {id = name, life = a[1], epoch = a[2] or 0, b = a[3], o = a[4], name = a[5] or '',
            rtt = a[6] or 0, waiting = a[7] or 0, last = a[8] or 0,
            mail = a[9] or {}, scopes = a[10] or {}, there = a[1] ~= nil}
end

local function save_host(h)
    call('SET', P .. 'host:' .. h.id, pack({h.life, h.epoch, h.b, h.o, h.name, h.rtt,
                                           h.waiting, h.last, h.mail, h.scopes}))
end

local host = load_host(H)
-- A leader that was followed by another one knows nothing that is true any more.
if ask.epoch < host.epoch then
    return {'stale'}
end

local M = told[4] and unpk(told[4])
local life = told[2]
local anew = not M or not life or told[3] ~= ask.run
local m, up, v

if M then
    m = {v = M[1], last = M[2], corr = M[3], since = M[4], id = M[5], vv = M[6],
         mail = M[7], check = M[8], ex = M[9], watch = M[10]}
    -- TIME stepped back: what passed since the last call is lost, no more.
    if now < m.last then
        m.corr = m.last + m.corr - now
    end
    up = now + m.corr
else
    up = 1000000000000 -- any: ages count, not times
    m = {v = up, last = now, corr = up - now, since = 0, id = 0, vv = 0, mail = 0,
         check = 0, ex = BIG, watch = up}
end

-- What b allows.  A host that is new, or was booted again, moves v by itself not
-- at all: nobody knows what its b meant when the others called.
local function host_clock()
    local known = host.life == life and host.b and b + 10000000 > host.b
    if not M then
        host.o = up - b
    elseif known then
        -- b below what it was: a call that was late.  It tells nothing new.
        local passed = max(0, b - host.b)
        host.o = min(host.o + passed / DRIFT, up - b)
    else
        host.o = min(m.v, up) - b
    end
    host.b = known and max(b, host.b) or b
    v = max(m.v, floor(min(up, b + host.o)))
end
host_clock()

-- up is beyond what the clocks allow: TIME stepped, or the way was long.  What
-- every call of a second has in common is no long way.  up may be set back to
-- any time that is not before v.
local function set_back(by)
    m.corr = m.corr - by
    up = up - by
    m.ex, m.watch = BIG, up
end
m.ex = min(m.ex, up - v)
if up - v > JUMP then
    set_back(up - v)
elseif up - m.watch >= WATCH then
    set_back(m.ex > SLACK and m.ex or 0)
end
m.v, m.last = v, now

-- The first write, one that a store without memory refuses: then nothing has
-- changed.
call('ZADD', P .. 'hosts', format('%.0f', up), H)

-- ---- a new life: the ledger was lost, or may lack something -----------------------
-- Another run id is a restart, or a replica that took over: what the last second
-- held may be gone.  Leases that are out may be used until they end: TTL.

local function begin_anew()
    local seed = redis.sha1hex(ask.run .. H .. format('%.0f %.0f', b, now) .. (life or ''))
    local vv = max(m.vv, now) -- beyond all versions that were ever given
    local top = call('ZREVRANGE', P .. 'valv', 0, 0, 'WITHSCORES')
    if top[2] then
        vv = max(vv, tonumber(top[2]) + 1)
    end
    call('UNLINK', KEYS[1], P .. 'hosts', P .. 'gone', P .. 'mails', P .. 'lease', P .. 'seen',
         P .. 'scopes', P .. 'clients')
    life = sub(seed, 1, 16)
    m.since, m.mail, m.check, m.vv = up + TTL, 0, 0, vv
    -- Ids of another life mean nothing here: they begin anywhere.
    m.id = tonumber(sub(seed, 17, 28), 16)
    host.mail, host.scopes, host.there = {}, {}, false
    call('HSET', KEYS[1], 'proto', PROTO, 'life', life, 'run', ask.run)
    call('ZADD', P .. 'hosts', format('%.0f', up), H)
    for i = 1, #ask.scopes do
        told[4 + i] = false
    end
end
if anew then
    begin_anew()
end
if host.life ~= life then
    host.mail, host.scopes, host.there = {}, {}, false
end
if ask.alone then -- it sent what is in no log
    m.since = max(m.since, up)
end

-- ---- ledgers: of a scope, of a client ---------------------------------------------

local scopes, clients = {}, {} -- those that this call has met
local leases, changed = {}, {} -- id -> what is known of it, or false

local function lost(l, log, open)
    -- The store evicted something, or somebody deletes keys.
    return (l.nlog > 0 and call('ZCARD', log) ~= l.nlog) or
               (l.nopen > 0 and call('ZCARD', open) ~= l.nopen)
end

local function scope_keys(name)
    return {name = name, log = P .. 'log:' .. name, open = P .. 'open:' .. name, w = P .. 'w:' .. name,
            fl = P .. 'fl:' .. name, q = P .. 'q:' .. name, add = {}, rem = {}, put = {},
            fin = {}, charged = {}}
end

local function scope_empty(s)
    s.nlog, s.nopen, s.nrec, s.tlog, s.topen = 0, 0, 0, 0, 0
    s.keep, s.kept, s.kf, s.used = 0, 0, 0, 0
    s.S, s.V, s.F = 0, {0, 0, 0}, {0, 0, 0}
    s.W, s.FL, s.UN, s.total = 0, 0, 0, 0
    s.hold, s.cap, s.pace, s.probe, s.probed, s.lastl, s.asked = 0, 0, 0, 0, 0, 0, 0
    s.limit, s.span, s.tl, s.gap, s.inf = 0, 0, 0, 0, 0
    call('UNLINK', s.log, s.open, s.w, s.fl)
end

-- KNOWN: it is sure that there was one in this life.
local function load_scope(name, known)
    local s = scopes[name]
    if s then
        return s
    end
    s = scope_keys(name)
    scopes[name] = s
    local a = call('GET', s.q)
    a = a and unpk(a)
    if a and a[1] == life then
        s.nlog, s.nopen, s.nrec, s.tlog, s.topen = a[2], a[3], a[4], a[5], a[6]
        s.keep, s.kept, s.kf, s.used = a[7], a[8], a[9], a[10]
        s.S, s.V, s.F = a[11], {a[12], a[13], a[14]}, {a[15], a[16], a[17]}
        s.W, s.FL, s.UN, s.total = a[18], a[19], a[20], a[21]
        s.hold, s.cap, s.pace, s.probe, s.probed, s.lastl, s.asked =
            a[22], a[23], a[24], a[25], a[26], a[27], a[28]
        s.limit, s.span, s.tl, s.gap, s.inf = a[29], a[30], a[31], a[32], a[33]
        if not lost(s, s.log, s.open) then
            return s
        end
        known = true
    end
    scope_empty(s)
    s.kf = known and up + TTL or 0
    call('HSET', KEYS[1], 's:' .. name, 1)
    return s
end

local function save_scope(s)
    call('SET', s.q, pack({life, s.nlog, s.nopen, s.nrec, s.tlog, s.topen, s.keep, s.kept, s.kf, s.used,
                          s.S, s.V[1], s.V[2], s.V[3], s.F[1], s.F[2], s.F[3], s.W, s.FL, s.UN, s.total,
                          s.hold, s.cap, s.pace, s.probe, s.probed, s.lastl, s.asked,
                          s.limit, s.span, s.tl, s.gap, s.inf}))
end

local function load_client(name)
    local c = clients[name]
    if c then
        return c
    end
    c = {name = name, log = P .. 'clog:' .. name, open = P .. 'copen:' .. name, tok = P .. 'ctok:' .. name,
         q = P .. 'cq:' .. name}
    clients[name] = c
    local a = call('GET', c.q)
    a = a and unpk(a)
    local known = false
    if a and a[1] == life then
        c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.kf, c.used =
            a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]
        if not lost(c, c.log, c.open) then
            return c
        end
        known = true
    end
    known = known or call('HSETNX', KEYS[1], 'c:' .. name, 1) == 0
    c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.used = 0, 0, 0, 0, 0, 0, 0, 0
    c.kf = known and up + TTL or 0
    call('UNLINK', c.log, c.open, c.tok)
    return c
end

local function save_client(c)
    call('SET', c.q, pack({life, c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.kf, c.used}))
end

-- The log of L holds what was sent within L.keep.  A longer span begins with
-- what nobody knows; a shorter one lets the log shrink when the longer was not
-- asked for twice its length.
local function want_span(l, span)
    if l.keep == 0 then
        l.keep, l.kept = span, up
    elseif span > l.keep then
        l.kf = max(l.kf, up - l.keep)
        l.keep, l.kept = span, up
    elseif span == l.keep then
        l.kept = up
    elseif v - l.kept > 2 * l.keep then
        l.keep, l.kept = span, up
    end
end

-- Tokens of a client's leases stand in a hash, for as long as they are in its log.
local function client_prune(c)
    local cut = v - c.keep
    if c.nlog > 0 and c.ntok > 0 then
        local ids = call('ZRANGEBYSCORE', c.log, '-inf', format('%.0f', cut))
        for i = 1, #ids, CHUNK do
            local part = {unpack(ids, i, min(#ids, i + CHUNK - 1))}
            local had = call('HMGET', c.tok, unpack(part))
            for k = 1, #part do
                if had[k] then
                    c.tlog = c.tlog - had[k]
                end
            end
            c.ntok = c.ntok - call('HDEL', c.tok, unpack(part))
        end
    end
    if c.nlog > 0 then
        c.nlog = c.nlog - call('ZREMRANGEBYSCORE', c.log, '-inf', format('%.0f', cut))
    end
    if c.nlog == 0 then
        c.tlog = 0
    end
end

-- ID of client C was sent at L.  Nothing happens if that is known already.
local function client_sent(c, id, l)
    if call('ZREM', c.open, id) == 0 then
        return
    end
    local tokens = c.ntok > 0 and tonumber(call('HGET', c.tok, id) or 0) or 0
    c.nopen, c.topen, c.tlog = c.nopen - 1, c.topen - tokens, c.tlog + tokens
    c.nlog = c.nlog + call('ZADD', c.log, format('%.0f', l), id)
end

local function client_back(c, id)
    local tokens = c.ntok > 0 and tonumber(call('HGET', c.tok, id) or 0) or 0
    if call('ZREM', c.open, id) == 1 then
        c.nopen, c.topen = c.nopen - 1, c.topen - tokens
    elseif call('ZREM', c.log, id) == 1 then
        c.nlog, c.tlog = c.nlog - 1, c.tlog - tokens
    else
        return
    end
    c.ntok = c.ntok - call('HDEL', c.tok, id)
end

local function client_tokens(c, id, tokens)
    local had = tonumber(call('HGET', c.tok, id) or 0)
    if tokens == had then
        return
    end
    if call('ZSCORE', c.open, id) then
        c.topen = c.topen + tokens - had
    elseif call('ZSCORE', c.log, id) then
        c.tlog = c.tlog + tokens - had
    else
        return
    end
    c.ntok = c.ntok + call('HSET', c.tok, id, format('%.0f', tokens))
end

local function client_open(c, id, ends, tokens)
    c.nopen = c.nopen + call('ZADD', c.open, format('%.0f', ends), id)
    if tokens > 0 then
        c.topen = c.topen + tokens
        c.ntok = c.ntok + call('HSET', c.tok, id, format('%.0f', tokens))
    end
end

-- Its leases may end while nobody names their scope.
local function client_refresh(c, span)
    if c.fresh then
        return
    end
    c.fresh = true
    want_span(c, span)
    if c.nopen > 0 then
        local out = call('ZRANGEBYSCORE', c.open, '-inf', format('%.0f', v), 'WITHSCORES')
        for i = 1, #out, 2 do
            client_sent(c, out[i], tonumber(out[i + 1]))
        end
    end
    client_prune(c)
    local s = call('ZSCORE', P .. 'seen', c.name)
    if s then
        c.kf = max(c.kf, s + TTL) -- it was given leases that are in no log
    end
    if up - c.used > 10000000 then
        c.used = up
        call('ZADD', P .. 'clients', format('%.0f', up), c.name)
    end
end

-- ---- leases ---------------------------------------------------------------------

-- 1 scope, 2 host, 3 class, 4 client, 5 share, 6 tokens, 7 state, 8 in its client's
-- ledger, 9 given when, 10 charged, 11 in the log at (state 2)
local OPEN, SENT, ENDED = 0, 1, 2

local function load_leases(ids)
    local need, n = {}, 0
    for i = 1, #ids do
        if leases[ids[i]] == nil then
            n = n + 1
            need[n] = ids[i]
        end
    end
    for i = 1, n, CHUNK do
        local part = {unpack(need, i, min(n, i + CHUNK - 1))}
        local got = call('HMGET', P .. 'lease', unpack(part))
        for k = 1, #part do
            leases[part[k]] = got[k] and unpk(got[k]) or false
        end
    end
end

local function forget_lease(id)
    leases[id] = false
    changed[id] = true
end

-- Virtual times: a flow that is not in the table starts at V, as everybody who
-- arrives now (state/policy/queue.c).
local function finish_of(s, key)
    local f = s.fin[key]
    if f == nil then
        f = tonumber(call('HGET', s.fl, key) or 0)
        s.fin[key] = f
    end
    return f
end

local function set_finish(s, key, f)
    s.fin[key] = f
    s.charged[key] = true
end

local function charge(s, cls, key, share)
    local k = cls + 1
    local start = max(s.V[k], finish_of(s, key))
    s.V[k] = start
    set_finish(s, key, start + 1 / share)
    s.S = max(s.S, s.F[k])
    s.F[k] = s.S + 1 / WEIGHT[k]
end

local function refund(s, r)
    if r[10] ~= 1 then
        return
    end
    local k, key = r[3] + 1, r[3] .. r[4]
    s.F[k] = max(0, s.F[k] - 1 / WEIGHT[k])
    set_finish(s, key, max(0, finish_of(s, key) - 1 / r[5]))
    r[10] = 0
end

-- Nothing of it was written: gone, as if it had never been.
local function give_back(id, r)
    local s = load_scope(r[1], true)
    if r[7] == OPEN then
        s.rem[#s.rem + 1] = id
        s.nopen, s.topen = s.nopen - 1, s.topen - r[6]
        if s.probe == 1 then
            s.probed = 0
        end
    else
        s.unlog = s.unlog or {}
        s.unlog[#s.unlog + 1] = id
        s.nlog, s.nrec, s.tlog = s.nlog - 1, s.nrec - 1, s.tlog - r[6]
    end
    refund(s, r)
    if r[8] == 1 then
        client_back(load_client(r[4]), id)
    end
    s.freed = true
    forget_lease(id)
end

-- Logged at L, with its record for as long as somebody may ask for it.
local function log_lease(s, id, r, l, state)
    s.rem[#s.rem + 1] = id
    s.add[#s.add + 1] = format('%.0f', l)
    s.add[#s.add + 1] = id
    s.nopen, s.topen = s.nopen - 1, s.topen - r[6]
    s.nlog, s.total = s.nlog + 1, s.total + 1
    s.lastl = max(s.lastl, l)
    r[7], r[11] = state, l
    changed[id] = true
end

local function settle_sent(x, r)
    local s = load_scope(r[1], true)
    local l = max(r[9], min(up, up - x.age)) -- never before it was given
    if r[7] == OPEN then
        log_lease(s, x.id, r, l, SENT)
        r[6] = x.tokens
        s.tlog = s.tlog + r[6]
        if r[8] == 1 then
            local c = load_client(r[4])
            client_tokens(c, x.id, r[6])
            client_sent(c, x.id, l)
        elseif l > r[9] + TTL and r[4] ~= '' then
            call('ZADD', P .. 'seen', format('%.0f', l), r[4])
        end
        if r[6] > 0 or r[8] == 1 or s.tl > 0 then
            s.nrec = s.nrec + 1
        else
            forget_lease(x.id)
        end
    elseif r[7] == ENDED then
        -- It was in the middle of its body when it ended.
        if l > r[11] then
            s.raise = s.raise or {}
            s.raise[#s.raise + 1] = format('%.0f', l)
            s.raise[#s.raise + 1] = x.id
            s.lastl = max(s.lastl, l)
            if r[8] == 1 then
                call('ZADD', load_client(r[4]).log, 'XX', format('%.0f', l), x.id)
            end
        end
        s.tlog = s.tlog + x.tokens - r[6]
        if r[8] == 1 then
            client_tokens(load_client(r[4]), x.id, x.tokens)
        end
        r[6], r[7], r[11] = x.tokens, SENT, max(l, r[11])
        changed[x.id] = true
    end
end

local function settle_told(x, r)
    local s = load_scope(r[1], true)
    if r[7] == OPEN then
        s.topen = s.topen + x.tokens - r[6]
    else
        s.tlog = s.tlog + x.tokens - r[6]
    end
    r[6] = x.tokens
    if r[8] == 1 then
        client_tokens(load_client(r[4]), x.id, x.tokens)
    end
    changed[x.id] = true
end

-- What this call says of the client, in the scope where it waits.
local function head_of(name, cls, client)
    local s = ask.named[name]
    for i = 1, s and #s.heads or 0 do
        local h = s.heads[i]
        if h.client == client and h.cls == cls then
            return h
        end
    end
    return nil
end

local function settle_used(x, r)
    local s = load_scope(r[1], true)
    refund(s, r)
    if r[8] == 1 and r[4] ~= x.client then
        client_back(load_client(r[4]), x.id)
        r[8] = 0
    end
    local h = head_of(r[1], x.cls, x.client)
    r[5] = h and h.share or r[4] == x.client and r[5] or 1
    r[3], r[4], r[10] = x.cls, x.client, 1
    if x.tokens > 0 then
        s.topen = s.topen + x.tokens - r[6]
        r[6] = x.tokens
        if r[8] == 1 then
            client_tokens(load_client(r[4]), x.id, r[6])
        end
    end
    if r[8] ~= 1 and h and (h.qr > 0 or h.qt > 0) then
        client_open(load_client(x.client), x.id, up + TTL, r[6])
        r[8] = 1
    elseif r[8] ~= 1 and x.client ~= '' then
        call('ZADD', P .. 'seen', format('%.0f', up), x.client)
    end
    charge(s, r[3], r[3] .. r[4], r[5])
    changed[x.id] = true
end

local ends = {}

local function settle_renewed(x, r)
    local s = load_scope(r[1], true)
    s.put[#s.put + 1] = format('%.0f', up + TTL)
    s.put[#s.put + 1] = x.id
    if r[8] == 1 then
        call('ZADD', load_client(r[4]).open, 'XX', format('%.0f', up + TTL), x.id)
    elseif r[4] ~= '' then
        call('ZADD', P .. 'seen', format('%.0f', up), r[4])
    end
    ends[#ends + 1] = {tonumber(x.id), TTL}
end

local function settle(x)
    local r = leases[x.id]
    local open = r and r[2] == H and r[7] == OPEN
    if (x.what == 'r' or x.what == 'h') and not open then
        ends[#ends + 1] = {tonumber(x.id), -1}
    elseif not r or r[2] ~= H then
        return -- a life ago, or somebody else's
    elseif x.what == 's' then
        settle_sent(x, r)
    elseif x.what == 'b' and r[7] ~= SENT then
        give_back(x.id, r)
    elseif x.what == 't' then
        settle_told(x, r)
    elseif x.what == 'f' and open then
        settle_used(x, r)
    elseif x.what == 'r' then
        settle_renewed(x, r)
    end
end

local function in_chunks(command, key, list)
    for i = 1, #list, CHUNK do
        call(command, key, unpack(list, i, min(#list, i + CHUNK - 1)))
    end
end

-- Into the sets: new ends first, for what was renewed may have been sent, too.
local function flush_sets(s)
    if s.put[1] then
        in_chunks('ZADD', s.open, s.put)
        s.put = {}
    end
    if s.rem[1] then
        in_chunks('ZREM', s.open, s.rem)
        s.rem = {}
    end
    if s.add[1] then
        in_chunks('ZADD', s.log, s.add)
        s.add = {}
    end
    if s.raise then
        in_chunks('ZADD', s.log, s.raise)
        s.raise = nil
    end
    if s.unlog then
        in_chunks('ZREM', s.log, s.unlog)
        s.unlog = nil
    end
end

-- All of this host's open leases that it did not name, but for those in its mail.
-- NAMED: what it did name.
local function give_unnamed_back(named)
    local names = call('ZRANGE', P .. 'scopes', 0, -1)
    for i = 1, #names do
        local s = load_scope(names[i], true)
        local ids = s.nopen > 0 and call('ZRANGE', s.open, 0, -1) or {}
        load_leases(ids)
        for k = 1, #ids do
            local r = leases[ids[k]]
            if r and r[2] == H and r[7] == OPEN and not named[ids[k]] then
                give_back(ids[k], r)
            end
        end
    end
end

local function settle_all()
    local ids, named = {}, {}
    for i = 1, #ask.settles do
        ids[i] = ask.settles[i].id
        named[ids[i]] = true
    end
    load_leases(ids)
    for i = 1, #ask.settles do
        settle(ask.settles[i])
    end
    if ask.leaving then
        host.mail = {}
        call('ZREM', P .. 'mails', H)
        for i = 1, #ask.settles do -- what it says is sent is not given back
            local r = leases[ids[i]]
            named[ids[i]] = not (r and r[7] == OPEN) or nil
        end
    end
    -- Without its record its epoch is forgotten, too: it might be a leader that
    -- was followed.  Then they end by themselves.
    if ask.leaving or (ask.sync and host.there) then
        for i = 1, #host.mail do
            named[host.mail[i][1]] = true
        end
        give_unnamed_back(named)
    end
end

-- ---- hosts ----------------------------------------------------------------------

-- 1 up when it was told, 2 in flight, 3 unused, 4 wanted ahead, 5 waiting, then
-- nine of each head: class, client, share, waiting, since, tokens, its limits
local HEADS, HEAD = 6, 9

local function put_entry(s, name, old, new)
    if old then
        s.W, s.FL, s.UN = max(0, s.W - old[5]), max(0, s.FL - old[2]), max(0, s.UN - old[3])
    end
    if new then
        s.W, s.FL, s.UN = s.W + new[5], s.FL + new[2], s.UN + new[3]
        call('HSET', s.w, name, pack(new))
    else
        call('HDEL', s.w, name)
    end
end

local function load_entry(s, name)
    local e = call('HGET', s.w, name)
    return e and unpk(e)
end

-- It has no claim until it calls again; what it has in flight may go on.
local function drop_heads(h, keep_flying)
    for i = 1, #h.scopes do
        local s = load_scope(h.scopes[i], true)
        local e = load_entry(s, h.id)
        if e then
            put_entry(s, h.id, e, keep_flying and e[2] > 0 and {e[1], e[2], 0, 0, 0} or nil)
        end
    end
end

local function forget_host(name)
    local h = load_host(name)
    if h.life == life then
        drop_heads(h, false)
    end
    call('UNLINK', P .. 'host:' .. name)
end

-- Its leases were never known to it: a mail leaves in an answer to its host alone.
local function mail_back(name)
    local h = load_host(name)
    if h.life == life then
        local ids = {}
        for i = 1, #h.mail do
            ids[i] = h.mail[i][1]
        end
        load_leases(ids)
        for i = 1, #ids do
            local r = leases[ids[i]]
            if r and r[7] == OPEN then
                give_back(ids[i], r)
            end
        end
        drop_heads(h, true)
        h.mail = {}
        save_host(h)
    end
end

local function next_mail()
    local first = call('ZRANGE', P .. 'mails', 0, 0, 'WITHSCORES')
    m.mail = first[2] and first[2] + MAIL or 0
end

local function lapse_mails()
    if m.mail == 0 or v < m.mail then
        return
    end
    local list = call('ZRANGEBYSCORE', P .. 'mails', '-inf', format('%.0f', v - MAIL), 'LIMIT', 0, 64)
    for i = 1, #list do
        call('ZREM', P .. 'mails', list[i])
        mail_back(list[i])
    end
    next_mail()
end

-- Ledgers that nobody asked for in more than a day: none can hold what counts.
local function forget_ledgers(set, mark, keys)
    local old = call('ZRANGEBYSCORE', P .. set, '-inf', format('%.0f', v - LEDGER_GONE), 'LIMIT', 0, 4)
    for i = 1, #old do
        if not ask.named[old[i]] or set ~= 'scopes' then
            for k = 1, #keys do
                call('UNLINK', P .. keys[k] .. old[i])
            end
            call('HDEL', KEYS[1], mark .. old[i])
            scopes[set == 'scopes' and old[i] or ''] = nil
        end
        call('ZREM', P .. set, old[i])
    end
end

local function look_around()
    if v < m.check then
        return
    end
    m.check = v + CHECK
    local out = call('ZRANGEBYSCORE', P .. 'hosts', '-inf', format('%.0f', v - SILENT), 'WITHSCORES')
    for i = 1, #out, 2 do
        local h = load_host(out[i])
        if out[i] ~= H then
            if h.life == life then
                drop_heads(h, true)
            end
            call('ZREM', P .. 'hosts', out[i])
            call('ZADD', P .. 'gone', out[i + 1], out[i])
        end
    end
    local gone = call('ZRANGEBYSCORE', P .. 'gone', '-inf', format('%.0f', v - HOST_GONE), 'LIMIT', 0, 8)
    for i = 1, #gone do
        call('ZREM', P .. 'gone', gone[i])
        if gone[i] ~= H then
            forget_host(gone[i])
        end
    end
    forget_ledgers('scopes', 's:', {'q:', 'log:', 'open:', 'w:', 'fl:'})
    forget_ledgers('clients', 'c:', {'cq:', 'clog:', 'copen:', 'ctok:'})
    call('ZREMRANGEBYSCORE', P .. 'seen', '-inf', format('%.0f', v - LEDGER_GONE))
end

local given = {} -- new leases for this host: those of its mail, too
local took = {}  -- scope, class and client -> how many of its waiters they serve

local function fetch_mail()
    if #host.mail == 0 then
        return
    end
    local ids = {}
    for i = 1, #host.mail do
        ids[i] = host.mail[i][1]
    end
    load_leases(ids)
    for i = 1, #ids do
        local r, ended = leases[ids[i]], host.mail[i][2]
        if r and r[2] == H and r[7] == OPEN and ended > up then
            given[#given + 1] = {tonumber(ids[i]), r[1], r[3], r[4], floor(ended - up), r[10] == 1 and 0 or 1}
            local key = r[1] .. '\n' .. r[3] .. r[4]
            took[key] = (took[key] or 0) + 1
        end
    end
    host.mail = {}
    call('ZREM', P .. 'mails', H)
    next_mail()
end

-- ---- values ---------------------------------------------------------------------

local refused, put_any = {}, false

local function put_all()
    for i = 1, #ask.puts do
        local p = ask.puts[i]
        local old = call('ZSCORE', P .. 'valv', p.name)
        old = old and tonumber(old) or 0
        if old ~= p.base then
            refused[#refused + 1] = {p.name, old}
        else
            m.vv = m.vv + 1
            call('HSET', P .. 'val', p.name, pack({H, up, p.blob}))
            call('ZADD', P .. 'valv', format('%.0f', m.vv), p.name)
            put_any = true
            if sub(p.name, 1, 2) == 'r:' and #p.name > 2 and #p.name <= 169 then
                local name = sub(p.name, 3)
                local s = load_scope(name, call('HEXISTS', KEYS[1], 's:' .. name) == 1)
                s.hold = p.hold > 0 and up + p.hold or 0
                s.cap, s.pace, s.probe, s.probed = p.cap, p.gap, p.probe, 0
                s.freed = true
                if s.used == 0 then
                    s.used = up
                    call('ZADD', P .. 'scopes', format('%.0f', up), name)
                end
            end
        end
    end
end

local function new_values()
    local list, top, bytes = {}, m.vv, 0
    -- A host that knows more than there is knows what was lost.
    local from = ask.vv > m.vv and 0 or ask.vv
    if from == m.vv then
        return list, top
    end
    local names = call('ZRANGEBYSCORE', P .. 'valv', '(' .. format('%.0f', from), '+inf', 'WITHSCORES',
                       'LIMIT', 0, MAX_VALUES + 1)
    for i = 1, #names, 2 do
        local a = call('HGET', P .. 'val', names[i])
        a = a and unpk(a)
        bytes = bytes + (a and #a[3] or 0)
        if i > 2 * MAX_VALUES or (bytes > MAX_VALUE_BYTES and i > 1) then
            top = tonumber(names[i - 1]) -- the rest comes with the next call
            break
        end
        if a then
            list[#list + 1] = {names[i], tonumber(names[i + 1]), a[3], a[1] == H and 1 or 0, max(0, floor(up - a[2]))}
        end
    end
    return list, top
end

-- ---- a scope: what is over, who goes next -------------------------------------------

local function span_of(span)
    return span + math.ceil(span / DRIFT)
end

-- Leases whose end has passed may have been written until then.
local function end_leases(s)
    local out = s.nopen > 0 and call('ZRANGEBYSCORE', s.open, '-inf', format('%.0f', v), 'WITHSCORES') or {}
    if not out[1] then
        return
    end
    local ids = {}
    for i = 1, #out, 2 do
        ids[#ids + 1] = out[i]
    end
    load_leases(ids)
    for i = 1, #ids do
        local l, r = tonumber(out[2 * i]), leases[ids[i]]
        if r then
            log_lease(s, ids[i], r, l, ENDED)
            s.tlog, s.nrec = s.tlog + r[6], s.nrec + 1
            if r[8] == 1 then
                client_sent(load_client(r[4]), ids[i], l)
            end
        else
            log_lease(s, ids[i], {nil, nil, nil, nil, nil, 0}, l, ENDED)
            changed[ids[i]] = nil
        end
    end
    flush_sets(s)
end

local function prune(s)
    local cut = format('%.0f', v - s.keep)
    if s.nlog > 0 and s.nrec > 0 then
        local ids = call('ZRANGEBYSCORE', s.log, '-inf', cut)
        load_leases(ids)
        for i = 1, #ids do
            local r = leases[ids[i]]
            if r then
                s.tlog, s.nrec = s.tlog - r[6], s.nrec - 1
                forget_lease(ids[i])
            end
        end
    end
    if s.nlog > 0 then
        s.nlog = s.nlog - call('ZREMRANGEBYSCORE', s.log, '-inf', cut)
    end
    if s.nlog == 0 then
        s.tlog, s.nrec = 0, 0
    end
    if s.nopen == 0 then
        s.topen = 0
    end
end

-- Sends within the span: all of the log, unless it is kept for a longer one.
local function refresh(s)
    local span = span_of(s.span)
    want_span(s, span)
    end_leases(s)
    prune(s)
    s.past = s.nlog
    if s.keep > span and s.nlog > 0 then
        s.past = call('ZCOUNT', s.log, '(' .. format('%.0f', v - span), '+inf')
    end
    s.full = max(m.since, s.kf) + span
end

local function bound_of(s)
    return s.cap > 0 and min(s.limit, s.cap) or s.limit
end

-- When does time alone allow the next one?  An open lease counts as now.
local function pace_of(s)
    local gap = max(s.gap, s.pace)
    return gap > 0 and s.lastl > 0 and s.lastl + gap or 0
end

local function is_held(s)
    return v < s.full or v < s.hold or (s.probe == 1 and (s.nopen > 0 or (s.probed > 0 and v < s.probed + PROBE)))
end

local function is_open(s, tokens)
    if is_held(s) or s.past + s.nopen >= bound_of(s) then
        return false
    end
    if max(s.gap, s.pace) > 0 and (s.nopen > 0 or v < pace_of(s)) then
        return false
    end
    if s.inf > 0 and s.flying + s.nopen >= s.inf then
        return false
    end
    -- One that is more than a whole limit goes alone.
    return s.tl == 0 or s.tlog + s.topen + min(tokens, s.tl) <= s.tl
end

-- Those of other hosts.  What is told of a scope is recounted meanwhile.
local function load_entries(s)
    if s.entries then
        return
    end
    s.entries, s.flying = {}, s.mine and s.mine[2] or 0
    local all = call('HGETALL', s.w)
    local W, FL, UN = 0, 0, 0
    if s.mine then
        W, FL, UN = s.mine[5], s.mine[2], s.mine[3]
    end
    for i = 1, #all, 2 do
        local e = all[i] ~= H and unpk(all[i + 1])
        if e then
            FL = FL + e[2]
            if v - e[1] <= FLYING then
                s.flying = s.flying + e[2]
            end
            if v - e[1] <= SILENT then
                s.entries[all[i]] = e
                W, UN = W + e[5], UN + e[3]
            end
        end
    end
    s.W, s.FL, s.UN = W, FL, UN
end

local function add_flows(s, flows, list, name, e)
    for i = HEADS, #e, HEAD do
        local n = e[i + 3]
        if n > 0 then
            local key = e[i] .. e[i + 1]
            local f = flows[key]
            if not f then
                f = {key = key, cls = e[i] + 1, client = e[i + 1], share = e[i + 2], qr = 0, qs = 0, qt = 0, lines = {}}
                flows[key] = f
                list[#list + 1] = f
            end
            if f.qr == 0 then
                f.qr = e[i + 6]
            end
            if f.qt == 0 then
                f.qt = e[i + 8]
            end
            f.qs = max(f.qs, e[i + 7])
            -- The next ones of a line are not known: as if they had come evenly.
            f.lines[#f.lines + 1] = {host = name, entry = e, at = i, n = n, since = e[i + 4], step = max(0, up - e[i + 4]) / n}
        end
    end
end

local function oldest(f)
    local best
    for i = 1, #f.lines do
        local l = f.lines[i]
        if l.n > 0 and (not best or l.since < best.since) then
            best = l
        end
    end
    f.line = best
    f.since = best and best.since
end

local function load_flows(s)
    local flows, list = {}, {}
    if s.mine then
        add_flows(s, flows, list, H, s.mine)
    end
    for name, e in pairs(s.entries) do
        add_flows(s, flows, list, name, e)
    end
    local need = {}
    for i = 1, #list do
        oldest(list[i])
        if s.fin[list[i].key] == nil then
            need[#need + 1] = list[i].key
        end
    end
    for i = 1, #need, CHUNK do
        local part = {unpack(need, i, min(#need, i + CHUNK - 1))}
        local got = call('HMGET', s.fl, unpack(part))
        for k = 1, #part do
            s.fin[part[k]] = tonumber(got[k] or 0)
        end
    end
    return list
end

-- May this client have one more, by its own limit?
local function client_open_for(f)
    if f.qr == 0 and f.qt == 0 then
        return true
    end
    local c, span = load_client(f.client), span_of(f.qs)
    client_refresh(c, span)
    if v < max(m.since, c.kf) + span then
        return false
    end
    if f.qr > 0 and c.nlog + c.nopen >= f.qr then
        return false
    end
    return f.qt == 0 or c.tlog + c.topen + min(f.line.entry[f.line.at + 5], f.qt) <= f.qt
end

local steps = 0

-- Ties of virtual time go by age, in a class and between classes.
local function best_flow(s, list)
    local best, best_class, best_start
    local V, F, S, fin = s.V, s.F, s.S, s.fin
    steps = steps + #list
    for i = 1, #list do
        local f = list[i]
        if f.line and not f.shut then
            local cls = f.cls
            local class, start = max(S, F[cls]), max(V[cls], fin[f.key])
            local first
            if not best then
                first = true
            elseif cls == best.cls then
                first = start < best_start or (start == best_start and f.since < best.since)
            elseif class ~= best_class then
                first = class < best_class
            else
                -- Of two classes at one time the older one of their bests goes;
                -- which is the best of a class is known only when all are seen.
                first = nil
            end
            if first then
                best, best_class, best_start = f, class, start
            elseif first == nil then
                f.tied = true
                s.tied = true
            end
        end
    end
    return best
end

-- The rare tie between classes: the best of each, and then the older one.
local function best_of_tied(s, list)
    local bests = {}
    steps = steps + #list
    for i = 1, #list do
        local f = list[i]
        f.tied = nil
        if f.line and not f.shut then
            local o, start = bests[f.cls], max(s.V[f.cls], s.fin[f.key])
            if not o or start < o.start or (start == o.start and f.since < o.f.since) then
                bests[f.cls] = {f = f, start = start, class = max(s.S, s.F[f.cls])}
            end
        end
    end
    local best
    for cls = 1, 3 do
        local o = bests[cls]
        if o and (not best or o.class < best.class or (o.class == best.class and o.f.since < best.f.since)) then
            best = o
        end
    end
    return best and best.f
end

local function pick(s, list)
    s.tied = nil
    local f = best_flow(s, list)
    if s.tied then
        f = best_of_tied(s, list)
    end
    return f
end

local mailed, seen_now = {}, {} -- host -> its record; arguments for ZADD

local function mailbox(name)
    local h = mailed[name]
    if not h then
        h = load_host(name)
        mailed[name] = h
    end
    return h
end

-- Can host NAME be given one more?
local function has_room(name)
    if name == H then
        return not ask.leaving and #given < MAX_OWN
    end
    local h = mailbox(name)
    return h.life == life and #h.mail < MAX_MAIL
end

local function hand_over(name, s, id, cls, client, ahead)
    if name == H then
        given[#given + 1] = {tonumber(id), s.name, cls, client, TTL, ahead}
        return
    end
    local h = mailbox(name)
    if #h.mail == 0 then
        call('ZADD', P .. 'mails', format('%.0f', up), name)
        if m.mail == 0 then
            m.mail = up + MAIL
        end
    end
    h.mail[#h.mail + 1] = {id, up + TTL}
    h.wake = true
end

local function new_lease(s, name, cls, client, share, tokens, limited, ahead)
    m.id = m.id + 1
    local id = format('%.0f', m.id)
    s.put[#s.put + 1] = format('%.0f', up + TTL)
    s.put[#s.put + 1] = id
    s.nopen, s.topen = s.nopen + 1, s.topen + tokens
    if s.probe == 1 then
        s.probed = up
    end
    leases[id] = {s.name, name, cls, client, share, tokens, OPEN, limited and 1 or 0, up, 1 - ahead}
    changed[id] = true
    if limited then
        client_open(load_client(client), id, up + TTL, tokens)
    elseif client ~= '' then
        seen_now[#seen_now + 1] = format('%.0f', up)
        seen_now[#seen_now + 1] = client
    end
    hand_over(name, s, id, cls, client, ahead)
end

local function grant(s, f)
    local l = f.line
    local e, i = l.entry, l.at
    new_lease(s, l.host, f.cls - 1, f.client, f.share, e[i + 5], f.qr > 0 or f.qt > 0, 0)
    charge(s, f.cls - 1, f.key, f.share)
    l.n, l.since = l.n - 1, l.since + l.step
    e[5], e[i + 3] = e[5] - 1, l.n
    e[i + 4] = floor(l.since)
    s.W = s.W - 1
    if l.host ~= H then
        s.touched = s.touched or {}
        s.touched[l.host] = e
    end
    oldest(f)
end

-- Its own limit, or a full mail: another line of it may have room.
local function can_have(f)
    while f.line and not has_room(f.line.host) do
        f.line.n = 0
        oldest(f)
    end
    return f.line and client_open_for(f)
end

local function serve(s)
    if s.W <= 0 or not is_open(s, 0) then
        return
    end
    load_entries(s)
    if not is_open(s, 0) then
        return
    end
    local list = load_flows(s)
    while steps < MAX_STEPS do
        local f = pick(s, list)
        if not f then
            return
        elseif not can_have(f) then
            f.shut = true -- stepped over; a slot kept for it would be lost
        elseif is_open(s, f.line.entry[f.line.at + 5]) then
            grant(s, f)
        else
            return
        end
    end
    s.more = true
end

-- While nobody waits, a few for who asks, out of one half of the window.
local function lease_ahead(s)
    local half = floor(bound_of(s) / 2)
    if not s.mine or s.W > 0 or s.mine[4] <= s.mine[3] or s.tl > 0 or max(s.gap, s.pace) > 0 or s.probe == 1 then
        return
    end
    if not is_open(s, 0) then
        return
    end
    load_entries(s)
    while s.mine[3] < s.mine[4] and s.past + s.nopen < half and is_open(s, 0) and has_room(H) do
        new_lease(s, H, 3, '', 1, 0, false, 1)
        s.mine[3] = s.mine[3] + 1
        s.UN = s.UN + 1
    end
end

local wake = {}

-- Somebody waits and nothing is open: who holds leases in hand is asked for them.
local function recall(s)
    local own = s.mine and s.mine[3] or 0
    if is_held(s) then
        s.recall = own
    elseif s.W > 0 and not is_open(s, 0) then
        s.recall = min(own, s.W - (s.mine and s.mine[5] or 0))
    end
    if s.W > 0 and s.UN > own and up - s.asked >= RECALL and not is_open(s, 0) then
        s.asked = up
        load_entries(s)
        for name, e in pairs(s.entries) do
            if e[3] > 0 then
                wake[name] = 'recall'
            end
        end
    end
end

local function next_slot(s)
    if s.more then
        return 0
    end
    local t = max(s.full, s.hold, pace_of(s))
    if s.probe == 1 and s.probed > 0 then
        t = max(t, s.probed + PROBE)
    end
    local over = s.past + s.nopen - bound_of(s)
    if over >= 0 then
        if over >= s.past or bound_of(s) == 0 then
            return -1 -- open leases alone fill it
        end
        local nth = call('ZRANGE', s.log, s.nlog - s.past + over, s.nlog - s.past + over, 'WITHSCORES')
        t = max(t, (nth[2] or v) + span_of(s.span))
    elseif s.inf > 0 and s.flying and s.flying + s.nopen >= s.inf then
        return -1
    elseif s.tl > 0 and s.W > 0 and s.past > 0 and t <= v then
        local first = call('ZRANGE', s.log, 0, 0, 'WITHSCORES')
        t = (first[2] or v) + span_of(s.span)
    elseif max(s.gap, s.pace) > 0 and s.nopen > 0 then
        return -1
    end
    return max(0, min(2 * DAY, math.ceil(t - v)))
end

-- ---- the scopes that this call names ------------------------------------------------

local function own_entry(s, x)
    local e = {floor(up), x.flying, x.unused, ask.leaving and 0 or x.want, 0}
    for i = 1, ask.leaving and 0 or #x.heads do
        local h, k = x.heads[i], #e
        -- What lies in this answer serves some of those who waited at its call.
        local n = max(0, h.n - (took[x.name .. '\n' .. h.key] or 0))
        e[k + 1], e[k + 2], e[k + 3], e[k + 4], e[k + 5] = h.cls, h.client, h.share, n, floor(up - h.since)
        e[k + 6], e[k + 7], e[k + 8], e[k + 9] = h.tokens, h.qr, h.qs, h.qt
        e[5] = e[5] + n
    end
    return e
end

local function name_scopes()
    local names, was = {}, {}
    for i = 1, #ask.scopes do
        local x = ask.scopes[i]
        local s = load_scope(x.name, told[4 + i] ~= false)
        s.limit, s.span, s.tl, s.gap, s.inf = x.limit, x.span, x.tl, x.gap, x.inf
        if up - s.used > 10000000 then
            s.used = up
            call('ZADD', P .. 'scopes', format('%.0f', up), x.name)
        end
        s.old = load_entry(s, H)
        s.mine = own_entry(s, x)
        -- So that the sums are right while others are picked; written at the end.
        if s.old then
            s.W, s.FL, s.UN = max(0, s.W - s.old[5]), max(0, s.FL - s.old[2]), max(0, s.UN - s.old[3])
        end
        s.W, s.FL, s.UN = s.W + s.mine[5], s.FL + s.mine[2], s.UN + s.mine[3]
        s.counted = true
        names[i] = x.name
    end
    for i = 1, #host.scopes do
        if not ask.named[host.scopes[i]] then
            local s = load_scope(host.scopes[i], true)
            local e = load_entry(s, H)
            if e then
                put_entry(s, H, e, nil)
            end
        end
    end
    host.scopes = names
end

local function serve_scope(s)
    if s.span == 0 then
        return -- nobody has said yet what it is
    end
    refresh(s)
    if s.inf > 0 then
        load_entries(s)
    end
    serve(s)
    lease_ahead(s)
    recall(s)
end

local function room_of(s)
    local mine = s.mine
    return {s.name, s.past + s.nopen, max(0, floor(s.tlog + s.topen)), next_slot(s), max(0, s.W - mine[5]),
            s.recall or 0, max(0, s.FL - mine[2]), s.total}
end

-- ---- people ---------------------------------------------------------------------

local function tell_hosts()
    local open, list = {}, {}
    local names = call('ZRANGE', P .. 'scopes', 0, -1)
    for i = 1, #names do
        local ids = call('ZRANGE', P .. 'open:' .. names[i], 0, -1)
        load_leases(ids)
        for k = 1, #ids do
            local r = leases[ids[k]]
            if r then
                open[r[2]] = (open[r[2]] or 0) + 1
            end
        end
    end
    for _, set in ipairs({'hosts', 'gone'}) do
        local all = call('ZREVRANGE', P .. set, 0, MAX_TOLD - 1, 'WITHSCORES')
        for i = 1, #all, 2 do
            if #list < MAX_TOLD then
                local h = all[i] == H and host or load_host(all[i])
                list[#list + 1] = {all[i], h.name, max(0, floor(up - all[i + 1])), h.rtt, h.waiting, open[all[i]] or 0}
            end
        end
    end
    return list
end

-- ---- the call -------------------------------------------------------------------

local function flush(s)
    flush_sets(s)
    if s.counted then
        call('HSET', s.w, H, pack(s.mine))
    end
    for name, e in pairs(s.touched or {}) do
        call('HSET', s.w, name, pack(e))
    end
    local list = {}
    for key in pairs(s.charged) do
        list[#list + 1] = key
        list[#list + 1] = format('%.9f', s.fin[key])
    end
    in_chunks('HSET', s.fl, list)
    save_scope(s)
end

-- What lies before V means the same as V: such flows need no place.
local function sweep_flows(s)
    if call('HLEN', s.fl) <= 512 then
        return
    end
    local all, out = call('HGETALL', s.fl), {}
    for i = 1, #all, 2 do
        if tonumber(all[i + 1]) <= s.V[tonumber(sub(all[i], 1, 1)) + 1] then
            out[#out + 1] = all[i]
        end
    end
    in_chunks('HDEL', s.fl, out)
end

local function flush_leases()
    local set, del = {}, {}
    for id in pairs(changed) do
        if leases[id] then
            set[#set + 1] = id
            set[#set + 1] = pack(leases[id])
        else
            del[#del + 1] = id
        end
    end
    in_chunks('HSET', P .. 'lease', set)
    in_chunks('HDEL', P .. 'lease', del)
end

local first_id = m.id
host.life, host.epoch, host.name, host.rtt, host.last = life, ask.epoch, ask.name, ask.rtt, up
call('ZREM', P .. 'gone', H)

look_around()
settle_all()
fetch_mail()
lapse_mails()
put_all()
for _, s in pairs(scopes) do
    flush_sets(s)
end
name_scopes()
for i = 1, #ask.scopes do
    serve_scope(scopes[ask.scopes[i].name])
end
-- What came back in scopes that this host does not name is somebody's, too.
for name, s in pairs(scopes) do
    if s.freed and not ask.named[name] then
        serve_scope(s)
    end
end

local rooms = {}
host.waiting = 0
for i = 1, #ask.scopes do
    local s = scopes[ask.scopes[i].name]
    flush_sets(s)
    rooms[i] = room_of(s)
    host.waiting = host.waiting + s.mine[5]
end
for _, s in pairs(scopes) do
    flush(s)
    if floor(first_id / 1024) ~= floor(m.id / 1024) then
        sweep_flows(s)
    end
end
for _, c in pairs(clients) do
    save_client(c)
end
flush_leases()
in_chunks('ZADD', P .. 'seen', seen_now)
for name, h in pairs(mailed) do
    if h.wake then
        save_host(h)
        wake[name] = 'mail'
    end
end
for name, why in pairs(wake) do
    call('PUBLISH', P .. 'wake:' .. name, why)
end
if put_any then
    call('PUBLISH', P .. 'wake:all', 'values')
end

local values, vv = new_values()
local hosts = ask.tell and tell_hosts() or {}
local full = max(0, m.since - v)
for i = 1, #ask.scopes do
    full = max(full, scopes[ask.scopes[i].name].full - v)
end
if ask.leaving then
    drop_heads(host, false)
    for i = 1, #host.scopes do
        save_scope(scopes[host.scopes[i]])
    end
    call('ZREM', P .. 'hosts', H)
    call('UNLINK', P .. 'host:' .. H)
else
    save_host(host)
end
call('HSET', KEYS[1], 'm', pack({m.v, m.last, m.corr, m.since, m.id, m.vv, m.mail, m.check, m.ex, m.watch}))

return {'ok', floor(v), math.ceil(full), vv, call('ZCARD', P .. 'hosts'), given, ends, rooms, values, refused, hosts, life}
