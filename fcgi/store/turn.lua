-- turn.lua - what does the shared store answer to a call of a host?
--
--   FCALL name, or EVALSHA sha,  1 "sluice:{ACCOUNT}:meta" ARGV...   (what is asked and answered: below)
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
-- each span is longer by so much.
--
-- It may be more where others' clocks have shown more: v was true at E, and at E2 at least
-- b2 - b, less the whole way of E's call, has passed.  What was noted at E1 between
-- them was noted by up(E1) >= v(E) + (E1 - E), and so is not judged too soon.  That holds
-- also where up was set back at some E1: by a jump to v at the least, and this host, if it called
-- before, begins anew (reset); or by what every call of a second, that of E among
-- them, had beyond v and its whole way.  If TIME stepped back it begins anew, too.  Without
-- that a host that came while v stood still, for nobody called, would be late by that for many
-- minutes, and all with it where none else calls.
--
-- Whatever else is wrong (a long way, a host that is new, a clock that jumps) makes v
-- late, and a window last longer.  Two things do not: a step forward beside a way that is
-- shorter than any before, by so much as it is shorter (SLACK at most, then all begin
-- anew); and one that follows a step back between two calls which only a new host noticed
-- the lack of, by the smaller of the two.  And while TIME is ahead, v may be by what hosts'
-- quickest calls took.  The margin of a window is for that; tests/model/ searches it.
--
-- A lease may be given a moment before its slot opens, and says so: its host counts that
-- moment by its own clock, from when it has read the answer.  For the entry that has to
-- leave, noted as L, v(E) - L is at most the time since W, so L + span - v(E) after E the
-- span has passed since W; the answer is read after E, and the thousandth in span is for
-- that clock, too.  Of p entries and n leases that are out it is the one in place p + n -
-- limit, counted from the oldest and from 0: by then that many and one more have left,
-- so that all that is left, and all that is out with this one, is the limit.  So entry and
-- successor are both counted until then, which is no more than what may be written.
--
-- Keys, all with P before: (arrays are packed, in the order in which load_* reads them)
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
-- None expires: a clock that steps would take the ledger.  Which commands are used:
-- tests/shared/store.py, whose user may do no others.
--
-- ARGV: the version, "2", and all the rest as bytes (*_FORM; times in us, each list behind its length,
-- which stand in the head): many words would take longer to read than to decide on.
--   run (run_id and replication id: changes with every start and promotion), host (16
--   hex digits), its name, epoch (rises with each leader and connection), b (its
--   CLOCK_BOOTTIME), flags (1 sync: what is not named below is given back; 2 alone: it has
--   sent without leases; 4 tell the hosts; 8 leaving), the last call's round trip,
--   the newest version of values that it has, how long before their slots it takes leases
--   settles: what, id, age, tokens, class, client
--       s sent, its last byte so long ago; b back, never written; r renew; h here (with
--       sync); t the answer took so many tokens; f used by class and client instead
--   scopes: name, limit, span, tokens, gap, in flight at most, in flight here, wanted
--       ahead, unused in hand, heads: class, client, share, waiting, age of the oldest,
--       tokens of the first, and the client's own: requests, span, tokens
--   puts: name, base version, bytes, hold, cap, gap, probe (of "r:SCOPE"; else 0)
-- The answer: "ok", v, so long windows are full, newest version told, hosts that are there (0: not
--   all count this one yet), leases {id, scope, class, client, left, ahead, not before},
--   ends {id, left or -1}, scopes {name, used, tokens, next slot or -1, waiting elsewhere, to
--   give back, in flight elsewhere, ever sent, when to call or -1}, values {name, version, bytes, own, age}, refused puts {name,
--   version}, hosts {id, name, age, round trip, waiting, leases}, life.  Or "stale": a newer
--   leader has called.  Or "proto", version.


-- How it is written: as a library of one function, where the server has such, all of
-- this is made once; as a script it is made anew at each call, which takes half as long again.
-- So what nearly every call needs is in the open, and the rest is in functions of functions
-- (clients_, settles_, rare_, server_), made when needed.  Nothing of a call outlives it:
-- begin() makes all of it anew.

local PROTO = '2'
local TTL = 3000000           -- of a lease
local LAG = 3000000           -- an old master may give leases for so long
local QUIET = 4000000         -- nobody called: was this server stopped?
local SILENT = 1900000        -- a host without a call for so long is passed over
local BEAT = 1000000          -- each host calls so often, if it can;
local BACK = 2000000          -- it tries to come back so often
local CHECK = 100000          -- so often it is looked who is silent
local NOTED = 200000          -- so often a host's call is noted for that
local MAIL = 250000           -- what is not fetched by then is the next one's
local FLYING = 60000000       -- requests of a silent host count as in flight
local HOST_GONE = 3600000000  -- a host is forgotten
local LEDGER_GONE = 90000000000 -- a ledger is: longer than any window (a day)
local USED = 10000000         -- so often it is noted that a ledger is used
local PROBE = 10000000        -- a probe of which nobody tells is over
local RECALL = 100000         -- hosts are asked so often to give back
local DRIFT = 1000            -- o grows by 1/DRIFT, and so do spans
local JUMP = 1000000          -- up is so far beyond all clocks: TIME stepped
local WATCH = 1000000         -- for so long the least excess is watched,
local SLACK = 2000            -- and from here on it is taken back;
                              -- a host whose time to call is over by that has not called
local WEIGHT = {16, 4, 1}     -- of the classes: state/policy/virtual_time.h

-- Bounds.  What is beyond them is an error, or waits for the next call.
local MAX_MAIL, MAX_OWN = 256, 512 -- leases in a mail; in an answer
local MAX_STEPS = 60000            -- comparisons of flows in a call
local MAX_VALUES, MAX_VALUE_BYTES = 64, 1048576
local MAX_TOLD = 64
local MAX_EARLY = 1000000
local MAX_RUNS = 8
local CHUNK = 1000                 -- unpack() has room for 8,000
local DAY = 86400000000
local LONGEST = DAY + 120000000      -- a span: a window of a day and its margin
local BIG = 9007199254740992       -- 2^53: so far a double counts
local OPEN, SENT, ENDED = 0, 1, 2  -- states of a lease
local HEADS, HEAD = 6, 9           -- where heads begin in what a host has; fields of one

-- What a library of functions may not ask for while it is loaded: run() does.
local sub, format, find, gmatch, gsub, floor, ceil, max, min, pack, unpk, form, unform

local META_FORM = '<dddddddddddddddd'
local NOTHING = ('\0'):rep(16 + 8 * 36)
local HOST_FORM = '<c16dddddddddddddBc0I4c0' -- a life, 13 numbers, a name, the rest
local SCOPE_FORM = '<c16c16dddddddddddddddddddddddddddddddddddd' -- a life, a host, and 36 numbers

-- What is known of one call; begin() makes all of it anew.
local call, P, meta              -- redis.call; the keys' prefix; the key that is named
local ask, H, b, early           -- what is asked, and of it: the host, its clock, its EARLY
local now, up, v                 -- the clocks
local told, life, known          -- fields of meta; of which this is a life; that knows the host
local m, host                    -- what is kept of the clocks, and of the host
local scopes, clients            -- those that this call has met
local leases, changed            -- id -> what is known of it, or false
local blob_of                    -- scope that the call names -> what is kept of it
local ends, given                -- of leases: those renewed; the new ones, and those of the mail
local mailed, seen, wake         -- host -> its record; clients, for ZADD; host -> why
local steps, took, refused, put_any
local names                      -- of the scopes that the call names

-- Of the four groups of rules that not every call needs: each is made when it is.
local Client, Settle, Rare, Server

-- ---- what is asked --------------------------------------------------------------
-- All of it is read and judged before the first write: an error changes nothing.

local HEAD_FORM = '<Bc0c16Bc0I8I8BI8I8I4I2BB'
local SETTLE_FORM = '<c1Bc0I8I4BBc0'
local ROW_FORM = '<Bc0I4I8I8I8I4I4I2I4I2'
local LINE_FORM = '<BBc0I2I4I8I4I4I8I8'
local PUT_FORM = '<Bc0I8I4c0I8I4I8B'

local function read_ask(bytes)
    local MAX_SETTLES, MAX_SCOPES, MAX_HEADS, MAX_PUTS = 1024, 64, 256, 64
    local s, at = bytes or '', 1

    local function fail(what)
        error({'ERR sluice: ' .. what .. ' (byte ' .. at .. ')'})
    end

    local run, host, name, epoch, b, flags, rtt, vv, early, n_settles, n_scopes, n_puts
    run, host, name, epoch, b, flags, rtt, vv, early, n_settles, n_scopes, n_puts, at = unform(HEAD_FORM, s)
    if find(host, '[^0-9a-f]') or find(run, '%s') or #run < 1 or #run > 128 or #name > 63 then
        fail('the host is not 16 hex digits, or the run id or the name is none')
    end
    if epoch > BIG or b > BIG or vv > BIG or rtt > DAY or flags > 15 or early > MAX_EARLY then
        fail('the epoch, the boottime, the version of values, the round trip, the flags or the time before a slot is too large')
    end
    if n_settles > MAX_SETTLES or n_scopes > MAX_SCOPES or n_puts > MAX_PUTS then
        fail('too many settles, scopes or values')
    end
    local settles, scopes, named, puts, heads = {}, {}, {}, {}, 0
    for i = 1, n_settles do
        local what, id, age, tokens, cls, client
        what, id, age, tokens, cls, client, at = unform(SETTLE_FORM, s, at)
        -- An id is a field's name: as it was given, or it names nothing.
        if id == '' or #id > 16 or find(id, '%D') then
            fail("a lease's id is no number")
        end
        if not find('sbrhtf', what, 1, true) then
            fail('what became of a lease is none of s b r h t f')
        end
        if age > DAY or #client > 127 or cls > (what == 'f' and 2 or 3) then
            fail('an age, a client or a class of a lease is too large')
        end
        settles[i] = {id = id, what = what, age = age, tokens = tokens, cls = cls, client = client}
    end
    for i = 1, n_scopes do
        local name, limit, span, tl, gap, inf, flying, want, unused, n
        name, limit, span, tl, gap, inf, flying, want, unused, n, at = unform(ROW_FORM, s, at)
        if name == '' or #name > 167 or named[name] then
            fail('a scope has no name, a long one, or is named twice')
        end
        if span == 0 or span > LONGEST or limit > 1000000 or tl > BIG or gap > DAY or inf > 1000000 or
            flying > 1000000 or want > MAX_MAIL or unused > 1000000 then
            fail('a span is 0, or a number of a scope is too large')
        end
        heads = heads + n
        if heads > MAX_HEADS then
            fail('more than ' .. MAX_HEADS .. ' heads')
        end
        -- What a host has in a scope, as it is kept (below); the times are ages as yet.
        -- The first line of heads is made with it: a table that grows is built anew.
        local e, j, sum, known = nil, HEADS, 0, n > 1 and {}
        for k = 1, n do
            local cls, client, share, n, age, tokens, qr, qs, qt
            cls, client, share, n, age, tokens, qr, qs, qt, at = unform(LINE_FORM, s, at)
            if cls > 2 or #client > 127 or share > 1000 or n > 1000000 or age > 10 * DAY or qr > 1000000000 or
                qs > LONGEST or qt > BIG then
                fail('a client, or a number of a head, is too large')
            end
            if qs == 0 and (qr > 0 or qt > 0) then
                fail("a client's limit has no span")
            end
            if known then
                local key = cls .. client
                if known[key] then
                    fail('a client is named twice in a class')
                end
                known[key] = true
            end
            share = share > 0 and share or 1
            if e then
                e[j], e[j + 1], e[j + 2], e[j + 3], e[j + 4] = cls, client, share, n, age
                e[j + 5], e[j + 6], e[j + 7], e[j + 8] = tokens, qr, qs, qt
            else
                e = {0, flying, unused, want, 0, cls, client, share, n, age, tokens, qr, qs, qt}
            end
            j, sum = j + HEAD, sum + n
        end
        e = e or {0, flying, unused, want, 0}
        e[5] = sum
        local x = {name = name, limit = limit, span = span, tl = tl, gap = gap, inf = inf, e = e}
        scopes[i], named[name] = x, x
    end
    for i = 1, n_puts do
        local name, base, blob, hold, cap, gap, probe
        name, base, blob, hold, cap, gap, probe, at = unform(PUT_FORM, s, at)
        if name == '' or #name > 191 or base > BIG or #blob > 65536 or hold > 10 * DAY or cap > 1000000 or gap > DAY or
            probe > 1 then
            fail('a value has no name, or is too large, or a number of it is')
        end
        puts[i] = {name = name, base = base, blob = blob, hold = hold, cap = cap, gap = gap, probe = probe}
    end
    if at ~= #s + 1 then
        fail('more than was announced')
    end
    return {run = run, host = host, name = name, epoch = epoch, b = b, rtt = rtt, vv = vv, early = early,
            sync = flags % 2 >= 1, alone = flags % 4 >= 2, tell = flags % 8 >= 4, leaving = flags >= 8,
            settles = settles, scopes = scopes, named = named, puts = puts}
end

-- ---- the clocks, the host -------------------------------------------------------

-- BEHIND is BIG for none; the mail and the scopes are of any length, and come last.
local function read_host(name, blob)
    if not blob then
        return {id = name, life = nil, epoch = 0, b = nil, o = nil, name = '', rtt = 0, waiting = 0, last = 0, mail = {},
                scopes = {}, young = 1, told = 0, sure = 0, joined = 0, seq = 0, least = 0, behind = false}
    end
    local life, epoch, b, o, rtt, waiting, last, young, told, sure, joined, seq, least, behind, text, rest = unform(HOST_FORM, blob)
    rest = unpk(rest)
    return {id = name, life = life, epoch = epoch, b = b, o = o, name = text, rtt = rtt, waiting = waiting, last = last,
            mail = rest[1], scopes = rest[2], young = young, told = told, sure = sure, joined = joined, seq = seq,
            least = least, behind = behind < BIG and behind}
end

local function load_host(name)
    return read_host(name, call('GET', P .. 'host:' .. name))
end

local function save_host(h)
    local rest = pack({h.mail, h.scopes})
    call('SET', P .. 'host:' .. h.id,
         form(HOST_FORM, h.life, h.epoch, h.b, h.o, h.rtt, h.waiting, h.last, h.young, h.told, h.sure, h.joined, h.seq,
              h.least, h.behind or BIG, #h.name, h.name, #rest, rest))
end

-- What time is it, as far as all hosts' clocks allow?  M: what is kept of them, if anything is.
local function tell_time(M)
    local passed = 0 -- by TIME, since the last call
    if M then
        passed = now - M[2]
        m = {v = M[1], last = M[2], corr = M[3], since = M[4], id = M[5], vv = M[6], mail = M[7],
             check = M[8], ex = M[9], watch = M[10], joined = M[11], agreed = M[12],
             seq = M[13] + 1, watched = M[14], reset = M[15], stepped = M[16]}
        -- TIME stepped back: what passed since the last call is lost, no more.
        if now < m.last then
            m.corr = m.last + m.corr - now
            m.reset = m.seq
        end
        up = now + m.corr
    else
        up = 1000000000000 -- any: ages count, not times
        m = {v = up, last = now, corr = up - now, since = 0, id = 0, vv = 0, mail = 0, check = 0,
             ex = BIG, watch = up, joined = 0, agreed = 0, seq = 1, watched = 1, reset = 0, stepped = 0}
    end

    -- What b allows.  A host that is new, was booted again, or has not called since up was set
    -- back, moves v by itself not at all: nobody knows what its b meant when the others
    -- called.  That call may have been long on its way (young), and o is too large by what it
    -- took more than the shortest ever (least), of a host that nobody knows by all of it: the
    -- next one tells, unless the answer was lost.
    local rtt = ask.sync and 0 or ask.rtt
    if not known then
        host.least = 0
    end
    local word, least = host.b and b + 10000000 > host.b and b + host.o, host.least
    local shorter = rtt > 0 and max(0, host.least - rtt) or 0
    host.least = rtt > 0 and (host.least > 0 and min(host.least, rtt) or rtt) or host.least
    if not M then
        host.o, host.young = up - b, 0
    elseif not known or not word or host.seq < m.reset or ((host.young == 1 or host.seq < m.stepped) and rtt == 0) then
        host.o, host.young, host.b = m.v - b, 1, nil
    else
        -- b below what it was: a call that was late.  It tells nothing new.
        local grown = host.o + max(0, b - host.b) / DRIFT - shorter
        if up - b < host.o - SLACK then
            m.reset = m.seq -- a way that was never so short, or TIME stepped back unseen
        end
        local young = host.young == 1 or host.seq < m.stepped
        grown = young and grown - max(0, rtt - least) or grown
        -- Its last call found v farther than its own clock allowed (behind: v of then, less b).
        -- All of its time since has passed, but for what that call was on its way.  Where up was
        -- set back in between, it is not known any more (above).
        if host.behind and rtt > 0 then
            grown = max(grown, host.behind - rtt)
        end
        host.o = min(up - b, grown)
        host.young = young and rtt == 0 and 1 or 0
    end
    host.b, host.seq = host.b and max(b, host.b) or b, m.seq
    v = max(m.v, floor(min(up, b + host.o)))
    host.behind = v - host.b > host.o + SLACK and host.b == b and v - b

    -- up is beyond what the clocks allow: TIME stepped, or the way was long.  What every call of
    -- a second has in common, beyond what their ways are known to take, is a step.  up may be
    -- set back to any time that is not before v.  How much of that was a step nobody knows for
    -- sure: what is known of hosts is too much by the rest, of those that called by their
    -- way at most (young), of the others they say it anew (reset).
    m.ex = min(m.ex, up - v - rtt)
    if up - v - rtt > JUMP or up - m.watch >= WATCH then
        local jumped = up - v - rtt > JUMP
        local by = jumped and up - v or m.ex > SLACK and m.ex or 0
        if by > 0 then
            m.corr, up = m.corr - by, up - by
            m.reset = max(m.reset, jumped and m.seq or m.watched)
            m.stepped, host.young = m.seq, 1
        end
        m.ex, m.watch, m.watched = BIG, up, m.seq + 1
    end

    -- Nobody called, although somebody is there: this server may have been stopped,
    -- while a replica took over and gave leases.  The host's own clock says so, even where
    -- it moves v by nothing, or TIME stood still as well (a virtual machine); of a host that
    -- nobody knows, TIME does.
    if (known and word and word - m.v or passed) > QUIET and call('ZCARD', P .. 'hosts') > 0 then
        m.since = max(m.since, up + TTL + LAG)
    end
    -- Whoever did not call meanwhile could not: it is counted until it had time to come back.
    if v - m.v > BEAT then
        m.check = max(m.check, v + SILENT + BACK)
    end
    m.v, m.last = v, now
end

-- ---- a new life: the ledger was lost, or may lack something -----------------------
-- Another run id is a restart, or a replica that took over: what the last second
-- held may be gone.  Leases that are out may be used until they end: TTL.  A run
-- that was seen before may be another connection's: told apart by replication ids.

local function begin_anew()
    local seed = redis.sha1hex(ask.run .. H .. format('%.0f %.0f', b, now) .. (life or ''))
    local vv = max(m.vv, now) -- beyond all versions that were ever given
    local top = call('ZREVRANGE', P .. 'valv', 0, 0, 'WITHSCORES')
    if top[2] then
        vv = max(vv, tonumber(top[2]) + 1)
    end
    local runs = ask.run
    for run in gmatch(told[3] or '', '%S+') do
        if select(2, gsub(runs, ' ', ' ')) < MAX_RUNS - 1 then
            runs = runs .. ' ' .. run
        end
    end
    life = sub(seed, 1, 16)
    -- The first write: a store without memory refuses it, and nothing has changed.
    call('HSET', P .. 'val', '', '')
    call('HDEL', P .. 'val', '')
    call('UNLINK', meta, P .. 'hosts', P .. 'gone', P .. 'mails', P .. 'lease', P .. 'seen', P .. 'scopes',
         P .. 'clients')
    call('HSET', meta, 'proto', PROTO, 'life', life, 'run', runs)
    m.since, m.mail, m.check, m.vv = up + TTL + LAG, 0, 0, vv
    -- Ids of another life mean nothing here: they begin anywhere.
    m.id = tonumber(sub(seed, 17, 28), 16)
    m.joined, m.agreed = 0, -1 -- -1: nobody knows yet who there is
    for i = 1, #ask.scopes do
        told[4 + i] = false
    end
    known = false
end

-- Who is there.
local function note_host()
    -- A host that is new is counted by the others from their next call on; it
    -- is told so (agreed) when each of them has called again after an answer that counted it.
    if not known then
        host.mail, host.scopes, host.last, host.told, host.sure, host.joined = {}, {}, 0, 0, 0, 0
    end
    if not ask.sync and ask.rtt > 0 then
        host.sure = host.told -- its last answer arrived
    end
    if up - host.last > NOTED or host.joined == 0 then
        if call('ZADD', P .. 'hosts', up, H) == 1 then
            m.joined = m.joined + 1
            host.joined = m.joined
            call('ZREM', P .. 'gone', H)
        end
        host.last = up
    end
    host.life, host.epoch, host.name, host.rtt, host.told = life, ask.epoch, ask.name, ask.rtt, m.joined

    if ask.alone then -- it sent what is in no log
        m.since = max(m.since, up + TTL)
    end
end

-- ---- ledgers --------------------------------------------------------------------

-- WAS_THERE: it is sure that there was one in this life.  What the store has evicted, or
-- somebody deleted, is full for a window.
--
-- A table that grows field by field is built anew six times: so all that is ever put
-- into one of a scope is named here, and its numbers come from struct, not cmsgpack.
local function load_scope(name, was_there)
    if scopes[name] then
        return scopes[name]
    end
    local blob = blob_of[name]
    if blob == nil then
        blob = call('GET', P .. 'q:' .. name)
    end
    local there = blob and sub(blob, 1, 16) == life
    local _, duty, nlog, nopen, nrec, tlog, topen, keep, kept, kf, used, S, V1, V2, V3, F1, F2, F3, W, FL, UN, total,
        hold, cap, pace, probe, probed, lastl, asked, limit, span, tl, gap, inf, ended, oldest, born, duty_at =
        unform(SCOPE_FORM, there and blob or life .. NOTHING)
    local s = {
        -- as it is kept: the ledger,
        nlog = nlog, nopen = nopen, nrec = nrec, tlog = tlog, topen = topen, keep = keep, kept = kept, kf = kf,
        used = used, ends = ended, oldest = oldest, born = born, total = total, lastl = lastl,
        -- virtual times, what hosts said, values, rules
        S = S, V = {V1, V2, V3}, F = {F1, F2, F3}, W = W, FL = FL, UN = UN, asked = asked,
        hold = hold, cap = cap, pace = pace, probe = probe, probed = probed,
        limit = limit, span = span, tl = tl, gap = gap, inf = inf, duty = duty, duty_at = duty_at,
        -- of this call
        name = name, log = P .. 'log:' .. name, open = P .. 'open:' .. name, w = P .. 'w:' .. name, fl = P .. 'fl:' .. name,
        add = {}, rem = {}, put = {}, fin = {}, charged = {}, past = 0, length = 0, full = 0, bound = 0, apart = 0,
        recall = 0, flying = 0, mine = false, entries = false, freed = false, more = false, touched = false, unlog = false, soon = false, shut = false,
    }
    scopes[name] = s
    local sets = (nlog > 0 and 1 or 0) + (nopen > 0 and 1 or 0)
    if there and (sets == 0 or call('EXISTS', s.log, s.open) >= sets) then
        return s
    end
    if there then -- of what it was nothing is left but the name
        scopes[name], blob_of[name] = nil, false
        return load_scope(name, true)
    end
    call('HSET', meta, 's:' .. name, 1)
    call('UNLINK', s.log, s.open, s.w, s.fl)
    s.ends, s.kf = BIG, was_there and up + TTL or 0
    s.born = was_there and up + 1 or up -- leases that are older are none of its
    return s
end

-- The log of L holds what was sent within L.keep.  A longer span begins with what nobody
-- knows; a shorter one lets the log shrink when the longer was not asked for in twice its
-- length.
local function want_span(l, span)
    if span > l.keep then
        l.kf = l.keep > 0 and max(l.kf, up - l.keep) or l.kf
        l.keep, l.kept = span, up
    elseif span == l.keep then
        l.kept = up
    elseif v - l.kept > 2 * l.keep then
        l.keep, l.kept = span, up
    end
end

-- A lease: 1 scope, 2 host, 3 class, 4 client, 5 share, 6 tokens, 7 state, 8 in its client's
-- ledger, 9 given when, 10 charged, 11 logged at

local function forget_lease(id)
    leases[id] = false
    changed[id] = true
end

local function take_lease(id, blob)
    local r = blob and unpk(blob) or false
    leases[id] = r
    if r and r[9] < load_scope(r[1], true).born then
        forget_lease(id)
    end
end

local function load_leases(ids)
    if not ids[2] then
        if ids[1] and leases[ids[1]] == nil then
            take_lease(ids[1], call('HGET', P .. 'lease', ids[1]))
        end
        return
    end
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
            take_lease(part[k], got[k])
        end
    end
end

local function in_chunks(command, key, list)
    local n = #list
    if n > 0 and n <= CHUNK then
        call(command, key, unpack(list))
        return
    end
    for i = 1, n, CHUNK do
        call(command, key, unpack(list, i, min(n, i + CHUNK - 1)))
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
    if s.unlog then
        in_chunks('ZREM', s.log, s.unlog)
        s.unlog = nil
    end
end

-- In the log at L; its record stays for as long as somebody may ask for it.
local function log_lease(s, id, r, l, state)
    local n = #s.add
    s.rem[#s.rem + 1] = id
    s.add[n + 1], s.add[n + 2] = format('%d', l), id
    s.nopen, s.topen = s.nopen - 1, s.topen - r[6]
    s.nlog, s.total = s.nlog + 1, s.total + 1
    s.oldest = s.nlog == 1 and l or min(s.oldest, l)
    s.lastl = max(s.lastl, l)
    r[7], r[11] = state, l
    changed[id] = true
end

-- ---- clients with limits of their own ---------------------------------------------

local function clients_()
    Client = {}

    local function load(name)
        local c = clients[name]
        if c then
            return c
        end
        c = {name = name, log = P .. 'clog:' .. name, open = P .. 'copen:' .. name, tok = P .. 'ctok:' .. name,
             q = P .. 'cq:' .. name}
        clients[name] = c
        local a = call('GET', c.q)
        a = a and unpk(a)
        local was_there = false
        if a and a[1] == life then
            c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.kf, c.used =
                a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]
            local there = (c.nlog > 0 and 1 or 0) + (c.nopen > 0 and 1 or 0)
            if there == 0 or call('EXISTS', c.log, c.open) >= there then
                return c
            end
            was_there = true
        end
        was_there = call('HSET', meta, 'c:' .. name, 1) == 0 or was_there
        c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.used = 0, 0, 0, 0, 0, 0, 0, 0
        c.kf = was_there and up + TTL or 0
        call('UNLINK', c.log, c.open, c.tok)
        return c
    end

    function Client.save()
        for _, c in pairs(clients) do
            call('SET', c.q, pack({life, c.nlog, c.nopen, c.ntok, c.tlog, c.topen, c.keep, c.kept, c.kf, c.used}))
        end
    end

    -- Tokens stand in a hash of their own, for as long as the lease is in the log.
    local function tokens_of(c, id)
        return c.ntok > 0 and tonumber(call('HGET', c.tok, id) or 0) or 0
    end

    local function prune(c)
        local cut = v - c.keep
        if c.nlog > 0 and c.ntok > 0 then
            local ids = call('ZRANGEBYSCORE', c.log, '-inf', cut)
            for i = 1, #ids, CHUNK do
                local part = {unpack(ids, i, min(#ids, i + CHUNK - 1))}
                local had = call('HMGET', c.tok, unpack(part))
                for k = 1, #part do
                    c.tlog = c.tlog - (had[k] or 0)
                end
                c.ntok = c.ntok - call('HDEL', c.tok, unpack(part))
            end
        end
        if c.nlog > 0 then
            c.nlog = c.nlog - call('ZREMRANGEBYSCORE', c.log, '-inf', cut)
        end
        c.tlog = c.nlog > 0 and c.tlog or 0
        c.topen = c.nopen > 0 and c.topen or 0
    end

    -- ID was sent at L.  Nothing happens if that is known already.
    local function sent(name, id, l)
        local c = load(name)
        if call('ZREM', c.open, id) == 0 then
            return
        end
        local tokens = tokens_of(c, id)
        c.nopen, c.topen, c.tlog = c.nopen - 1, c.topen - tokens, c.tlog + tokens
        c.nlog = c.nlog + call('ZADD', c.log, l, id)
    end
    Client.sent = sent

    function Client.later(name, id, l)
        call('ZADD', load(name).log, 'XX', l, id)
    end

    function Client.renew(name, id, ended)
        call('ZADD', load(name).open, 'XX', ended, id)
    end

    function Client.back(name, id)
        local c = load(name)
        local tokens = tokens_of(c, id)
        if call('ZREM', c.open, id) == 1 then
            c.nopen, c.topen = c.nopen - 1, c.topen - tokens
        elseif call('ZREM', c.log, id) == 1 then
            c.nlog, c.tlog = c.nlog - 1, c.tlog - tokens
        else
            return
        end
        c.ntok = c.ntok - call('HDEL', c.tok, id)
    end

    function Client.tokens(name, id, tokens)
        local c = load(name)
        local had = tokens_of(c, id)
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
        c.ntok = c.ntok + call('HSET', c.tok, id, tokens)
    end

    function Client.open(name, id, ended, tokens)
        local c = load(name)
        c.nopen = c.nopen + call('ZADD', c.open, ended, id)
        if tokens > 0 then
            c.topen = c.topen + tokens
            c.ntok = c.ntok + call('HSET', c.tok, id, tokens)
        end
    end

    -- Its leases may end while nobody names their scope; it may have been given leases
    -- before it had a limit, which are in no log.
    local function refresh(c, span)
        c.fresh = true
        want_span(c, span)
        local out = c.nopen > 0 and call('ZRANGEBYSCORE', c.open, '-inf', v, 'WITHSCORES') or {}
        for i = 1, #out, 2 do
            sent(c.name, out[i], tonumber(out[i + 1]))
        end
        prune(c)
        local s = call('ZSCORE', P .. 'seen', c.name)
        if s then
            c.kf = max(c.kf, s + TTL)
        end
        if up - c.used > USED then
            c.used = up
            call('ZADD', P .. 'clients', up, c.name)
        end
    end

    -- May it have one more, of TOKENS, by its own limit?
    function Client.may(f, tokens)
        local c, span = load(f.client), f.qs + ceil(f.qs / DRIFT)
        if not c.fresh then
            refresh(c, span)
        end
        if v < max(m.since, c.kf) + span then
            return false
        end
        -- A log that is kept for longer holds what does not count any more.
        local past = c.nlog
        if f.qr > 0 and c.keep > span and past + c.nopen >= f.qr then
            past = call('ZCOUNT', c.log, '(' .. format('%.0f', v - span), '+inf')
        end
        if f.qr > 0 and past + c.nopen >= f.qr then
            return false
        end
        return f.qt == 0 or c.tlog + c.topen + min(tokens, f.qt) <= f.qt
    end
    return Client
end

-- ---- virtual time -----------------------------------------------------------------
-- A flow that is not in the table starts at V, as everybody who arrives now: start-time
-- fair queuing, as state/policy/queue.c.

local function finish_of(s, key)
    local f = s.fin[key]
    if f == nil then
        f = tonumber(call('HGET', s.fl, key) or 0)
        s.fin[key] = f
    end
    return f
end

local function charge(s, k, key, share)
    local start = max(s.V[k], finish_of(s, key))
    s.V[k] = start
    s.fin[key], s.charged[key] = start + 1 / share, true
    s.S = max(s.S, s.F[k])
    s.F[k] = s.S + 1 / WEIGHT[k]
end

-- ---- what becomes of leases ---------------------------------------------------------

local function settles_()
    Settle = {}

    local function refund(s, r)
        if r[10] ~= 1 then
            return
        end
        local k, key = r[3] + 1, r[3] .. r[4]
        s.F[k] = max(0, s.F[k] - 1 / WEIGHT[k])
        s.fin[key], s.charged[key] = max(0, finish_of(s, key) - 1 / r[5]), true
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
            s.oldest = 0
        end
        refund(s, r)
        if r[8] == 1 then
            (Client or clients_()).back(r[4], id)
        end
        s.freed = true
        forget_lease(id)
    end
    Settle.back = give_back

    -- It was in the middle of its body when it ended.
    function Settle.late(x, r, l)
        local s = load_scope(r[1], true)
        if l > r[11] then
            s.add[#s.add + 1] = l
            s.add[#s.add + 1] = x.id
            s.oldest = 0 -- whichever that is now
            s.lastl = max(s.lastl, l)
            if r[8] == 1 then
                (Client or clients_()).later(r[4], x.id, l)
            end
        end
        s.tlog = s.tlog + x.tokens - r[6]
        if r[8] == 1 then
            (Client or clients_()).tokens(r[4], x.id, x.tokens)
        end
        r[6], r[7], r[11] = x.tokens, SENT, max(l, r[11])
        changed[x.id] = true
    end

    local function told_tokens(x, r)
        local s = load_scope(r[1], true)
        if r[7] == OPEN then
            s.topen = s.topen + x.tokens - r[6]
        else
            s.tlog = s.tlog + x.tokens - r[6]
        end
        r[6] = x.tokens
        if r[8] == 1 then
            (Client or clients_()).tokens(r[4], x.id, x.tokens)
        end
        changed[x.id] = true
    end

    -- What this call says of the client, in the scope where it waits.
    local function head_of(name, cls, client)
        local e = ask.named[name] and ask.named[name].e
        for i = HEADS, e and #e or 0, HEAD do
            if e[i + 1] == client and e[i] == cls then
                return {share = e[i + 2], qr = e[i + 6], qt = e[i + 8]}
            end
        end
        return nil
    end

    local function used(x, r)
        local s = load_scope(r[1], true)
        refund(s, r)
        if r[8] == 1 and r[4] ~= x.client then
            (Client or clients_()).back(r[4], x.id)
            r[8] = 0
        end
        local h = head_of(r[1], x.cls, x.client)
        r[5] = h and h.share or r[4] == x.client and r[5] or 1
        r[3], r[4], r[10] = x.cls, x.client, 1
        if x.tokens > 0 then
            s.topen = s.topen + x.tokens - r[6]
            r[6] = x.tokens
            if r[8] == 1 then
                (Client or clients_()).tokens(r[4], x.id, r[6])
            end
        end
        if r[8] ~= 1 and h and (h.qr > 0 or h.qt > 0) then
            (Client or clients_()).open(x.client, x.id, up + TTL, r[6])
            r[8] = 1
        elseif r[8] ~= 1 and x.client ~= '' then
            call('ZADD', P .. 'seen', up, x.client)
        end
        charge(s, r[3] + 1, r[3] .. r[4], r[5])
        changed[x.id] = true
    end

    local function renewed(x, r)
        local s = load_scope(r[1], true)
        s.put[#s.put + 1] = up + TTL
        s.put[#s.put + 1] = x.id
        if r[8] == 1 then
            (Client or clients_()).renew(r[4], x.id, up + TTL)
        elseif r[4] ~= '' then
            call('ZADD', P .. 'seen', up, r[4])
        end
        ends[#ends + 1] = {tonumber(x.id), TTL}
    end

    -- All but "s" of an open lease, R.
    function Settle.other(x, r)
        local mine = r and r[2] == H
        local open = mine and r[7] == OPEN
        if (x.what == 'r' or x.what == 'h') and not open then
            ends[#ends + 1] = {tonumber(x.id), -1}
        elseif not mine then
            return -- a life ago, or somebody else's
        elseif x.what == 's' then
            if r[7] == ENDED then
                Settle.late(x, r, min(up, up - x.age))
            end
        elseif x.what == 'b' then
            if r[7] ~= SENT then
                give_back(x.id, r)
            end
        elseif x.what == 't' then
            told_tokens(x, r)
        elseif x.what == 'f' and open then
            used(x, r)
        elseif x.what == 'r' then
            renewed(x, r)
        end
    end

    -- All of this host's open leases that it did not name.
    function Settle.unnamed(named)
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
    return Settle
end

-- ---- hosts that are silent, mail that lapses ----------------------------------------

-- What a host has in a scope: 1 up when it was told, 2 in flight, 3 unused, 4 wanted ahead,
-- 5 waiting, then nine of each head: class, client, share, waiting, since, tokens, and
-- the client's requests, span and tokens.  What was counted of it, and not written yet,
-- is in s.W, s.FL, s.UN.

-- Of a host that has nothing there is nothing: who grants need not look at it.
local function put_entry(s, name, e)
    if e[5] == 0 and e[2] == 0 and e[3] == 0 then
        call('HDEL', s.w, name)
    else
        call('HSET', s.w, name, pack(e))
    end
end

local function uncount(s, e)
    s.W, s.FL, s.UN = max(0, s.W - e[5]), max(0, s.FL - e[2]), max(0, s.UN - e[3])
end

local function rare_()
    Rare = {}

    -- It has no claim until it calls again; what it has in flight may go on.
    local function drop_heads(h, keep_flying)
        for i = 1, #h.scopes do
            local s = load_scope(h.scopes[i], true)
            local e = call('HGET', s.w, h.id)
            e = e and unpk(e)
            s.duty_at = s.duty ~= h.id and s.duty_at or 0
            if e then
                uncount(s, e)
                if keep_flying and e[2] > 0 then
                    s.FL = s.FL + e[2]
                    call('HSET', s.w, h.id, pack({e[1], e[2], 0, 0, 0}))
                else
                    call('HDEL', s.w, h.id)
                end
            end
        end
    end
    Rare.drop_heads = drop_heads

    -- Never known to it: a mail leaves in an answer to its host alone.
    local function mail_back(name)
        local h = load_host(name)
        if h.life ~= life then
            return
        end
        local ids = {}
        for i = 1, #h.mail do
            ids[i] = h.mail[i][1]
        end
        load_leases(ids)
        for i = 1, #ids do
            local r = leases[ids[i]]
            if r and r[7] == OPEN then
                (Settle or settles_()).back(ids[i], r)
            end
        end
        drop_heads(h, true)
        h.mail = {}
        save_host(h)
    end

    function Rare.next_mail()
        local first = call('ZRANGE', P .. 'mails', 0, 0, 'WITHSCORES')
        m.mail = first[2] and first[2] + MAIL or 0
    end

    function Rare.lapse_mails()
        local list = call('ZRANGEBYSCORE', P .. 'mails', '-inf', v - MAIL, 'LIMIT', 0, 64)
        for i = 1, #list do
            call('ZREM', P .. 'mails', list[i])
            mail_back(list[i])
        end
        Rare.next_mail()
    end

    -- Ledgers that nobody asked for in more than a day: none can hold what counts.
    local function forget_ledgers(set, mark, prefixes)
        local old = call('ZRANGEBYSCORE', P .. set, '-inf', v - LEDGER_GONE, 'LIMIT', 0, 4)
        for i = 1, #old do
            local there = set == 'scopes' and (ask.named[old[i]] or scopes[old[i]])
            for k = 1, there and 0 or #prefixes do
                call('UNLINK', P .. prefixes[k] .. old[i])
            end
            if not there then
                call('HDEL', meta, mark .. old[i])
                call('ZREM', P .. set, old[i])
            end
        end
    end

    function Rare.look_around()
        m.check = v + CHECK
        local out = call('ZRANGEBYSCORE', P .. 'hosts', '-inf', v - SILENT, 'WITHSCORES')
        for i = 1, #out, 2 do
            local h = load_host(out[i])
            if h.life == life then
                drop_heads(h, true)
            end
            call('ZREM', P .. 'hosts', out[i])
            call('ZADD', P .. 'gone', out[i + 1], out[i])
        end
        local gone = call('ZRANGEBYSCORE', P .. 'gone', '-inf', v - HOST_GONE, 'LIMIT', 0, 8)
        for i = 1, #gone do
            local h = load_host(gone[i])
            if h.life == life then
                drop_heads(h, false)
            end
            call('ZREM', P .. 'gone', gone[i])
            call('UNLINK', P .. 'host:' .. gone[i])
        end
        forget_ledgers('scopes', 's:', {'q:', 'log:', 'open:', 'w:', 'fl:'})
        forget_ledgers('clients', 'c:', {'cq:', 'clog:', 'copen:', 'ctok:'})
        call('ZREMRANGEBYSCORE', P .. 'seen', '-inf', v - LEDGER_GONE)
    end

    -- Have all others called again after an answer that counted this host?
    function Rare.agree()
        local names, least = call('ZRANGE', P .. 'hosts', 0, -1), m.joined
        for i = 1, #names do
            if names[i] ~= H then
                least = min(least, load_host(names[i]).sure)
            end
        end
        m.agreed = max(m.agreed, least)
    end
    return Rare
end

-- ---- a scope: what is over, is one open? --------------------------------------------

-- Leases whose end has passed may have been written until then.
local function end_leases(s)
    local out = call('ZRANGEBYSCORE', s.open, '-inf', v, 'WITHSCORES')
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
                (Client or clients_()).sent(r[4], ids[i], l)
            end
        else
            log_lease(s, ids[i], {nil, nil, nil, nil, nil, 0}, l, ENDED)
        end
    end
    flush_sets(s)
    local first = call('ZRANGE', s.open, 0, 0, 'WITHSCORES')
    s.ends = tonumber(first[2] or BIG)
end

local function prune(s)
    local cut = v - s.keep
    if s.nrec > 0 then
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
    s.nlog = s.nlog - call('ZREMRANGEBYSCORE', s.log, '-inf', cut)
    local first = s.nlog > 0 and call('ZRANGE', s.log, 0, 0, 'WITHSCORES') or {}
    s.oldest = tonumber(first[2] or 0)
end

-- What leaves the window within EARLY, with its times; not even looked for if the oldest does not.
local function soon(s)
    if not s.soon then
        local by = v + early - s.length
        s.soon = s.nlog > 0 and early > 0 and s.oldest <= by and
            call('ZRANGEBYSCORE', s.log, '(' .. format('%.0f', v - s.length), by, 'WITHSCORES') or {}
    end
    return s.soon
end

local function is_held(s)
    return v < s.full or v < s.hold or (s.probe == 1 and (s.nopen > 0 or (s.probed > 0 and v < s.probed + PROBE)))
end

-- How long before it may be used is a lease of TOKENS given?  0: now.  nil: not yet.
-- The last that has to leave the window is the one in whose place it comes; all else must
-- hold now.
local function when_open(s, tokens)
    local wait, over = s.full - v, s.past + s.nopen - s.bound
    if v < s.hold or (s.probe == 1 and (s.nopen > 0 or (s.probed > 0 and v < s.probed + PROBE))) then
        return nil
    end
    if over >= 0 then
        local leaves = soon(s)[2 * over + 2]
        if not leaves then
            return nil
        end
        wait = max(wait, leaves + s.length - v)
    end
    if wait > early then
        return nil
    end
    -- The gap is one between writes, and an open lease is being written now.
    if s.apart > 0 and (s.nopen > 0 or v < s.lastl + s.apart) then
        return nil
    end
    if s.inf > 0 and s.flying + s.nopen >= s.inf then
        return nil
    end
    -- One that is more than a whole limit goes alone.
    if s.tl > 0 and s.tlog + s.topen + min(tokens, s.tl) > s.tl then
        return nil
    end
    return max(0, ceil(wait))
end

-- ---- who goes next ----------------------------------------------------------------

local function server_()
    Server = {}

    -- Those of other hosts.  What is told of a scope is recounted meanwhile.
    local function load_entries(s)
        if s.entries then
            return
        end
        local mine = s.mine or {0, 0, 0, 0, 0}
        local W, FL, UN = mine[5], mine[2], mine[3]
        s.entries, s.flying = {}, mine[2]
        local all = call('HGETALL', s.w)
        for i = 1, #all, 2 do
            if all[i] ~= H then
                local e = unpk(all[i + 1])
                FL = FL + e[2]
                if v - e[1] <= FLYING then
                    s.flying = s.flying + e[2]
                end
                if v - e[1] <= SILENT + NOTED then
                    s.entries[all[i]] = e
                    W, UN = W + e[5], UN + e[3]
                end
            end
        end
        s.W, s.FL, s.UN = W, FL, UN
    end
    Server.load_entries = load_entries

    local function oldest(f)
        local best
        local lines = f.lines
        for i = 1, #lines do
            local l = lines[i]
            if l.n > 0 and (not best or l.since < best.since) then
                best = l
            end
        end
        f.line, f.since = best, best and best.since
    end

    -- One flow of a client and class, whichever hosts its lines are at.  The next ones of a
    -- line are not known: as if they had come evenly.
    local function add_flows(flows, list, name, e)
        for i = HEADS, #e, HEAD do
            local n = e[i + 3]
            if n > 0 then
                local key = e[i] .. e[i + 1]
                local line = {host = name, entry = e, at = i, n = n, since = e[i + 4], step = max(0, up - e[i + 4]) / n}
                local f = flows[key]
                if f then
                    f.lines[#f.lines + 1] = line
                    f.qr = f.qr > 0 and f.qr or e[i + 6]
                    f.qt = f.qt > 0 and f.qt or e[i + 8]
                    f.qs = max(f.qs, e[i + 7])
                    if line.since < f.since then
                        f.line, f.since = line, line.since
                    end
                else
                    f = {key = key, cls = e[i] + 1, client = e[i + 1], share = e[i + 2], qr = e[i + 6], qs = e[i + 7],
                         qt = e[i + 8], lines = {line}, line = line, since = line.since}
                    flows[key] = f
                    list[#list + 1] = f
                end
            end
        end
    end

    local function load_flows(s)
        local flows, list = {}, {}
        if s.mine then
            add_flows(flows, list, H, s.mine)
        end
        for name, e in pairs(s.entries) do
            add_flows(flows, list, name, e)
        end
        if list[1] and not list[2] then
            finish_of(s, list[1].key)
            return list
        end
        for i = 1, #list, CHUNK do
            local need = {}
            for k = i, min(#list, i + CHUNK - 1) do
                need[#need + 1] = list[k].key
            end
            local got = call('HMGET', s.fl, unpack(need))
            for k = 1, #need do
                if s.fin[need[k]] == nil then
                    s.fin[need[k]] = tonumber(got[k] or 0)
                end
            end
        end
        return list
    end

    -- The best of each class by its start, then the class by its own; ties go by age.
    local function pick(s, list)
        if not list[2] then
            local f = list[1]
            steps = steps + 1
            return f and f.line and not f.shut and f or nil
        end
        local best, start = {}, {}
        local V, F, S, fin = s.V, s.F, s.S, s.fin
        steps = steps + #list
        for i = 1, #list do
            local f = list[i]
            if f.line and not f.shut then
                local cls = f.cls
                local t, o = max(V[cls], fin[f.key]), best[cls]
                if not o or t < start[cls] or (t == start[cls] and f.since < o.since) then
                    best[cls], start[cls] = f, t
                end
            end
        end
        local first, class
        for cls = 1, 3 do
            local f, t = best[cls], max(S, F[cls])
            if f and (not first or t < class or (t == class and f.since < first.since)) then
                first, class = f, t
            end
        end
        return first
    end

    -- Can host NAME be given one more?
    local function has_room(name)
        if name == H then
            return not ask.leaving and #given < MAX_OWN
        end
        local h = mailed[name]
        if not h then
            h = load_host(name)
            mailed[name] = h
        end
        return h.life == life and #h.mail < MAX_MAIL
    end

    local function new_lease(s, name, cls, client, share, tokens, limited, ahead, wait)
        m.id = m.id + 1
        local id, ended = format('%d', m.id), up + TTL
        local n = #s.put
        s.put[n + 1], s.put[n + 2] = format('%d', ended), id
        s.nopen, s.topen, s.ends = s.nopen + 1, s.topen + tokens, min(s.ends, ended)
        if s.probe == 1 then
            s.probed = up
        end
        leases[id] = {s.name, name, cls, client, share, tokens, OPEN, limited and 1 or 0, up, 1 - ahead}
        changed[id] = true
        if limited then
            (Client or clients_()).open(client, id, ended, tokens)
        elseif client ~= '' then
            local k = #seen
            seen[k + 1], seen[k + 2] = format('%d', up), client
        end
        if name == H then
            given[#given + 1] = {m.id, s.name, cls, client, TTL, ahead, wait}
            return
        end
        local mail = mailed[name].mail
        if not mail[1] then
            call('ZADD', P .. 'mails', up, name)
            m.mail = m.mail > 0 and m.mail or up + MAIL
        end
        mail[#mail + 1] = {id, ended, v + wait}
        wake[name] = 'mail'
    end

    local function grant(s, f, wait)
        local l = f.line
        local e, i = l.entry, l.at
        new_lease(s, l.host, f.cls - 1, f.client, f.share, e[i + 5], f.qr > 0 or f.qt > 0, 0, wait)
        charge(s, f.cls, f.key, f.share)
        l.n, l.since = l.n - 1, l.since + l.step
        e[5], e[i + 3], e[i + 4] = e[5] - 1, l.n, floor(l.since)
        s.W = s.W - 1
        if l.host ~= H then
            s.touched = s.touched or {}
            s.touched[l.host] = e
        end
        oldest(f)
    end

    -- Not by its own limit?  It is stepped over: a slot kept for it would be lost.  Its
    -- host's mail is full?  Another line of it may have room.
    local function can_have(f)
        while f.line and not has_room(f.line.host) do
            f.line.n = 0
            oldest(f)
        end
        return f.line and
                   ((f.qr == 0 and f.qt == 0) or (Client or clients_()).may(f, f.line.entry[f.line.at + 5]))
    end

    function Server.serve(s)
        load_entries(s)
        if not when_open(s, 0) then
            return
        end
        local list = load_flows(s)
        while s.W > 0 and steps < MAX_STEPS do
            local f = pick(s, list)
            if not f then
                s.shut = true -- all of them by their own limits, or their mails are full
                return
            end
            if not can_have(f) then
                f.shut = true
            else
                local wait = when_open(s, f.line.entry[f.line.at + 5])
                if not wait then
                    return
                end
                grant(s, f, wait)
            end
        end
        if s.W <= 0 then
            return
        end
        s.more = true
    end

    -- While nobody waits, a few for who asks, out of one half of the window.
    function Server.ahead(s)
        local mine, half = s.mine, floor(s.bound / 2)
        load_entries(s)
        while s.W <= 0 and mine[3] < mine[4] and s.past + s.nopen < half and when_open(s, 0) == 0 and has_room(H) do
            new_lease(s, H, 3, '', 1, 0, false, 1, 0)
            mine[3], s.UN = mine[3] + 1, s.UN + 1
        end
    end

    -- Somebody waits and nothing is open: who holds leases in hand is asked for them.
    function Server.recall(s)
        s.asked = up
        load_entries(s)
        for name, e in pairs(s.entries) do
            if e[3] > 0 then
                wake[name] = wake[name] or 'recall'
            end
        end
    end
    return Server
end

-- All that time and settles have changed in S, and then who goes next.
local function serve_scope(s)
    local span, mine = s.span + ceil(s.span / DRIFT), s.mine
    if s.span == 0 then
        return -- nobody has said yet what it is
    end
    want_span(s, span)
    if v >= s.ends then
        end_leases(s)
    end
    if s.nlog > 0 and s.oldest <= v - s.keep then
        prune(s)
    end
    s.tlog = s.nlog > 0 and s.tlog or 0
    s.topen = s.nopen > 0 and s.topen or 0
    s.past, s.length = s.nlog, span
    if s.keep > span and s.nlog > 0 then
        s.past = call('ZCOUNT', s.log, '(' .. format('%.0f', v - span), '+inf')
    end
    s.full = max(m.since, s.kf) + span
    s.bound = s.cap > 0 and min(s.limit, s.cap) or s.limit
    s.apart = max(s.gap, s.pace)
    if s.inf > 0 then
        (Server or server_()).load_entries(s)
    end
    local open = when_open(s, 0)
    if s.W > 0 and open then
        (Server or server_()).serve(s)
        open = when_open(s, 0)
    end
    if s.W <= 0 and open == 0 and mine and mine[4] > mine[3] and s.tl == 0 and s.apart == 0 and s.probe == 0 then
        (Server or server_()).ahead(s)
    end
    local own = mine and mine[3] or 0
    s.recall = is_held(s) and own or own > 0 and not open and min(own, max(0, s.W - mine[5])) or 0
    if s.W > 0 and not open and s.UN > own and up - s.asked >= RECALL then
        (Server or server_()).recall(s)
    end
end

-- When does time open the next slot?  -1: time alone does not.  And how long before that
-- is a lease given for it?
local function next_slot(s)
    if s.more then
        return 0, 0
    end
    local t, soonest = s.full, early
    local over = s.past + s.nopen - s.bound
    if over >= 0 then
        if over >= s.past or s.bound == 0 then
            return -1 -- open leases alone fill it
        end
        local at = s.nlog - s.past + over
        t = max(t, (at == 0 and s.oldest > 0 and s.oldest or call('ZRANGE', s.log, at, at, 'WITHSCORES')[2]) + s.length)
    elseif s.inf > 0 and s.flying + s.nopen >= s.inf then
        return -1
    elseif s.apart > 0 and s.nopen > 0 then
        return -1
    elseif s.tl > 0 and s.W > 0 and s.nlog > 0 and max(t, s.hold) <= v then
        t, soonest = s.oldest + s.keep, 0
    end
    local by = s.hold
    if s.probe == 1 and s.probed > 0 then
        by = max(by, s.probed + PROBE)
    end
    if s.apart > 0 and s.lastl > 0 then
        by = max(by, s.lastl + s.apart)
    end
    if by >= t then
        t, soonest = by, 0
    end
    return max(0, min(2 * DAY, ceil(t - v))), soonest
end

-- Who calls when that is?  One host is enough, which may be any that calls; it is told
-- when.  The others hear of it if its time has passed.  Half of SOONEST before, for then a
-- call serves all slots of the other half; a long way takes longer.  What this call could
-- have had, and did not, is asked for when it opens.
local function when_to_call(s, after, soonest)
    if after < 0 or s.W <= 0 or s.shut or ask.leaving then
        if s.duty == H then
            s.duty_at = 0
        end
        return -1
    end
    local lead = min(soonest, max(soonest / 2, host.rtt))
    local at = v + (after > lead and floor(after - lead) or after)
    if s.duty ~= H and s.duty_at + SLACK >= v and s.duty_at <= at + SLACK then
        return -1
    end
    s.duty, s.duty_at = H, at
    return at - v
end

-- ---- the call -------------------------------------------------------------------

-- What became of leases.
local function settle_all()
    local settles, n = ask.settles, #ask.settles
    if n == 0 then
        return
    end
    local ids = {}
    for i = 1, n do
        ids[i] = settles[i].id
    end
    load_leases(ids)
    for i = 1, n do
        local x = settles[i]
        local r = leases[x.id]
        if x.what == 's' and r and r[2] == H and r[7] == OPEN then
            local s, l = load_scope(r[1], true), max(r[9], up - x.age) -- never before it was given
            log_lease(s, x.id, r, l, SENT)
            r[6] = x.tokens
            s.tlog = s.tlog + x.tokens
            if r[8] == 1 then
                (Client or clients_()).tokens(r[4], x.id, x.tokens)
                Client.sent(r[4], x.id, l)
            elseif l > r[9] + TTL and r[4] ~= '' then
                call('ZADD', P .. 'seen', l, r[4])
            end
            if x.tokens > 0 or r[8] == 1 or s.tl > 0 then
                s.nrec = s.nrec + 1
            else
                forget_lease(x.id)
            end
        else
            (Settle or settles_()).other(x, r)
        end
    end
end

-- Without its record its epoch is forgotten, too: it might be a leader that was followed.
-- Then its leases end by themselves.
local function give_back_unnamed()
    local named = {}
    for i = 1, #ask.settles do
        local r = leases[ask.settles[i].id]
        named[ask.settles[i].id] = not ask.leaving or not (r and r[7] == OPEN)
    end
    if ask.leaving then
        host.mail = {}
        call('ZREM', P .. 'mails', H)
    end
    for i = 1, #host.mail do
        named[host.mail[i][1]] = true
    end
    (Settle or settles_()).unnamed(named)
end

-- What others' calls have given us.
local function fetch_mail()
    if host.mail[1] then
        local ids = {}
        took = {}
        for i = 1, #host.mail do
            ids[i] = host.mail[i][1]
        end
        load_leases(ids)
        for i = 1, #ids do
            local r, left = leases[ids[i]], host.mail[i][2] - up
            if r and r[2] == H and r[7] == OPEN and left > 0 then
                given[#given + 1] = {tonumber(ids[i]), r[1], r[3], r[4], floor(left), 0, max(0, ceil(host.mail[i][3] - v))}
                local key = r[1] .. '\n' .. r[3] .. r[4]
                took[key] = (took[key] or 0) + 1
            end
        end
        host.mail = {}
        call('ZREM', P .. 'mails', H);
        (Rare or rare_()).next_mail()
    end
    if m.mail > 0 and v >= m.mail then
        (Rare or rare_()).lapse_mails()
    end
end

-- Values: compare and set.
local function put_values()
    for i = 1, #ask.puts do
        local p = ask.puts[i]
        local old = tonumber(call('ZSCORE', P .. 'valv', p.name) or 0)
        if old ~= p.base then
            refused[#refused + 1] = {p.name, old}
        else
            m.vv = m.vv + 1
            call('HSET', P .. 'val', p.name, pack({H, up, p.blob}))
            call('ZADD', P .. 'valv', m.vv, p.name)
            put_any = true
            if sub(p.name, 1, 2) == 'r:' and #p.name > 2 and #p.name <= 169 then
                local name = sub(p.name, 3)
                local s = load_scope(name, call('HEXISTS', meta, 's:' .. name) == 1)
                s.hold = p.hold > 0 and up + p.hold or 0
                s.cap, s.pace, s.probe, s.probed = p.cap, p.gap, p.probe, 0
                s.freed = true
                if up - s.used > USED then
                    s.used = up
                    call('ZADD', P .. 'scopes', up, name)
                end
            end
        end
    end
end

-- Who waits here, in the scopes that are named; in others nobody does.
local function take_rows()
    for i = 1, #ask.scopes do
        local x = ask.scopes[i]
        local s = load_scope(x.name, told[4 + i] ~= false)
        names[i] = x.name
        s.limit, s.span, s.tl, s.gap, s.inf = x.limit, x.span, x.tl, x.gap, x.inf
        if up - s.used > USED then
            s.used = up
            call('ZADD', P .. 'scopes', up, x.name)
        end
        local e = call('HGET', s.w, H)
        if e then
            uncount(s, unpk(e))
        end
        e = x.e
        e[1] = up
        for k = HEADS, #e, HEAD do
            e[k + 4] = up - e[k + 4]
            -- What lies in this answer serves some of those who waited at its call.
            local n = took and min(e[k + 3], took[x.name .. '\n' .. e[k] .. e[k + 1]] or 0) or 0
            e[k + 3], e[5] = e[k + 3] - n, e[5] - n
        end
        if ask.leaving then
            e = {up, 0, 0, 0, 0}
        end
        s.W, s.FL, s.UN = s.W + e[5], s.FL + e[2], s.UN + e[3]
        s.mine = e
    end
    for i = 1, #host.scopes do
        if not ask.named[host.scopes[i]] then
            local s = load_scope(host.scopes[i], true)
            local e = call('HGET', s.w, H)
            if e then
                uncount(s, unpk(e))
                call('HDEL', s.w, H)
            end
        end
    end
    host.scopes = names
end

local function serve_all()
    for i = 1, #names do
        serve_scope(scopes[names[i]])
    end
    -- What came back in scopes that this host does not name is somebody's, too.
    for name, s in pairs(scopes) do
        if s.freed and not s.mine then
            serve_scope(s)
        end
    end
end

-- What the scopes that were named are told, and how long windows are full.
local function tell_rooms()
    local rooms, full, waiting = {}, max(0, m.since - v), 0
    for i = 1, #names do
        local s = scopes[names[i]]
        flush_sets(s)
        local after, soonest = next_slot(s)
        -- One that was given before its slot opens is not counted twice, nor one that was
        -- written at its time while v still has the one before it.
        rooms[i] = {s.name, min(s.past + s.nopen, s.limit), max(0, s.tlog + s.topen), after,
                    max(0, s.W - s.mine[5]), s.recall, max(0, s.FL - s.mine[2]), s.total, when_to_call(s, after, soonest)}
        full = max(full, s.full - v)
        waiting = waiting + s.mine[5]
    end
    host.waiting = waiting
    return rooms, full
end

-- ---- all that has changed -----------------------------------------------------------

local function write_all(first_id)
    for name, s in pairs(scopes) do
        flush_sets(s)
        if s.mine and not ask.leaving then
            put_entry(s, H, s.mine)
        end
        if s.touched then
            for other, e in pairs(s.touched) do
                put_entry(s, other, e)
            end
        end
        if next(s.charged) then
            local list, n = {}, 0
            for key in pairs(s.charged) do
                list[n + 1], list[n + 2] = key, s.fin[key]
                n = n + 2
            end
            in_chunks('HSET', s.fl, list)
        end
        -- What lies before V means the same as V: such flows need no place.
        if floor(first_id / 1024) ~= floor(m.id / 1024) and call('HLEN', s.fl) > 512 then
            local all, out = call('HGETALL', s.fl), {}
            for i = 1, #all, 2 do
                if tonumber(all[i + 1]) <= s.V[tonumber(sub(all[i], 1, 1)) + 1] then
                    out[#out + 1] = all[i]
                end
            end
            in_chunks('HDEL', s.fl, out)
        end
        local V, F = s.V, s.F
        call('SET', P .. 'q:' .. name,
             form(SCOPE_FORM, life, s.duty, s.nlog, s.nopen, s.nrec, s.tlog, s.topen, s.keep, s.kept, s.kf, s.used, s.S, V[1], V[2], V[3],
                  F[1], F[2], F[3], s.W, s.FL, s.UN, s.total, s.hold, s.cap, s.pace, s.probe, s.probed, s.lastl, s.asked,
                  s.limit, s.span, s.tl, s.gap, s.inf, s.ends, s.oldest, s.born, s.duty_at))
    end
    if Client then
        Client.save()
    end
    if next(changed) then
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
    in_chunks('ZADD', P .. 'seen', seen)
    for name, why in pairs(wake) do
        if why == 'mail' then
            save_host(mailed[name])
        end
        call('PUBLISH', P .. 'wake:' .. name, why)
    end
    if put_any then
        call('PUBLISH', P .. 'wake:all', 'values')
    end
end

-- Values that this host does not have.  One that knows more than there is knows what was
-- lost, and is told all.
local function new_values()
    local values, vv = {}, m.vv
    if ask.vv ~= vv then
        local bytes = 0
        local list = call('ZRANGEBYSCORE', P .. 'valv', '(' .. format('%.0f', ask.vv > vv and 0 or ask.vv), '+inf',
                          'WITHSCORES', 'LIMIT', 0, MAX_VALUES + 1)
        for i = 1, #list, 2 do
            local a = call('HGET', P .. 'val', list[i])
            a = a and unpk(a)
            bytes = bytes + (a and #a[3] or 0)
            if i > 2 * MAX_VALUES or (bytes > MAX_VALUE_BYTES and i > 1) then
                vv = tonumber(list[i - 1]) -- the rest comes with the next call
                break
            end
            if a then
                values[#values + 1] = {list[i], tonumber(list[i + 1]), a[3], a[1] == H and 1 or 0, max(0, up - a[2])}
            end
        end
    end
    return values, vv
end

-- For people: who is there, and holds how many.
local function tell_people()
    local people = {}
    if ask.tell then
        local open = {}
        local all = call('ZRANGE', P .. 'scopes', 0, -1)
        for i = 1, #all do
            local ids = call('ZRANGE', P .. 'open:' .. all[i], 0, -1)
            load_leases(ids)
            for k = 1, #ids do
                local r = leases[ids[k]]
                if r then
                    open[r[2]] = (open[r[2]] or 0) + 1
                end
            end
        end
        for k = 1, 2 do
            local list = call('ZREVRANGE', P .. (k == 1 and 'hosts' or 'gone'), 0, MAX_TOLD - 1)
            for i = 1, #list do
                if #people < MAX_TOLD then
                    local h = list[i] == H and host or load_host(list[i])
                    people[#people + 1] = {list[i], h.name, max(0, up - h.last), h.rtt, h.waiting, open[list[i]] or 0}
                end
            end
        end
    end
    return people
end

local function begin(key, time)
    P, meta, H, b, early = sub(key, 1, -5), key, ask.host, ask.b, ask.early
    now = time[1] * 1000000 + time[2]
    scopes, clients, leases, changed, blob_of, ends, given = {}, {}, {}, {}, {}, {}, {}
    mailed, seen, wake, steps, took, refused, put_any, names = {}, {}, {}, 0, nil, {}, false, {}
    local fields, keys = {'proto', 'life', 'run', 'm'}, {P .. 'host:' .. H}
    for i = 1, #ask.scopes do
        fields[4 + i] = 's:' .. ask.scopes[i].name
        keys[1 + i] = P .. 'q:' .. ask.scopes[i].name
    end
    told = call('HMGET', meta, unpack(fields))
    local blobs = call('MGET', unpack(keys))
    for i = 1, #ask.scopes do
        blob_of[ask.scopes[i].name] = blobs[1 + i]
    end
    host, life = read_host(H, blobs[1]), told[2]
end

local function main(key, time)
    begin(key, time)
    if told[1] and told[1] ~= PROTO then
        return {'proto', told[1]}
    end
    -- A leader that was followed by another one knows nothing that is true any more.
    if ask.epoch < host.epoch then
        return {'stale'}
    end
    local M = told[4] and {unform(META_FORM, told[4])}
    known = M and host.life == life
    tell_time(M)
    if not M or not life or
        (told[3] ~= ask.run and not find(' ' .. told[3] .. ' ', ' ' .. ask.run .. ' ', 1, true)) then
        begin_anew()
    end
    note_host()
    if v >= m.check then
        (Rare or rare_()).look_around()
    end
    settle_all()
    if ask.leaving or (ask.sync and known) then
        give_back_unnamed()
    end
    fetch_mail()
    put_values()
    for _, s in pairs(scopes) do
        flush_sets(s)
    end
    take_rows()
    local first_id = m.id
    serve_all()
    local rooms, full = tell_rooms()
    write_all(first_id)
    local values, vv = new_values()
    local people = ask.tell and tell_people() or {}
    if host.joined > m.agreed and (m.agreed >= 0 or v >= m.since) then
        (Rare or rare_()).agree()
    end
    local hosts = host.joined <= m.agreed and call('ZCARD', P .. 'hosts') or 0
    if ask.leaving then
        for i = 1, #names do
            call('HDEL', scopes[names[i]].w, H)
        end
        call('ZREM', P .. 'hosts', H)
        call('UNLINK', P .. 'host:' .. H)
    else
        save_host(host)
    end
    call('HSET', meta, 'm', form(META_FORM, m.v, m.last, m.corr, m.since, m.id, m.vv, m.mail, m.check, m.ex, m.watch,
                                  m.joined, m.agreed, m.seq, m.watched, m.reset, m.stepped))
    return {'ok', v, ceil(full), vv, hosts, given, ends, rooms, values, refused, people, life}
end

-- An error in the middle (a command that is not allowed, a key of another kind) leaves
-- half of a call behind.  Without its meta the ledger begins anew, with full windows.
-- What a store refuses at the first write has changed nothing.
local function run(KEYS, ARGV)
    if not call then
        call, sub, format, find = redis.call, string.sub, string.format, string.find
        gmatch, gsub, floor, ceil, max, min = string.gmatch, string.gsub, math.floor, math.ceil, math.max, math.min
        pack, unpk, form, unform = cmsgpack.pack, cmsgpack.unpack, struct.pack, struct.unpack
    end
    local key, fine = KEYS[1] or '', false
    if ARGV[1] ~= PROTO then
        return ARGV[1] and {'proto', PROTO} or redis.error_reply('ERR sluice: no arguments')
    end
    if sub(key, -5) ~= ':meta' then
        return redis.error_reply('ERR sluice: the key does not end with :meta')
    end
    fine, ask = pcall(read_ask, ARGV[2])
    if not fine then
        return redis.error_reply(type(ask) == 'table' and ask[1] or 'ERR sluice: ' .. tostring(ask))
    end
    local time = call('TIME')
    local done, answer = pcall(main, key, time)
    if done then
        return answer
    end
    local why = type(answer) == 'table' and answer.err or tostring(answer)
    if not (find(why, 'OOM') or find(why, 'READONLY') or find(why, 'MISCONF') or
            find(why, 'NOREPLICAS')) then
        redis.pcall('DEL', key)
    end
    return redis.error_reply(why)
end

return run(KEYS, ARGV)
