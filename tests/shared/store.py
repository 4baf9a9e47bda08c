"""What the tests of the store's script share: a server of their own, the protocol
as a host speaks it, and a world in which time is an argument.

The script asks the server for TIME; here that one line is put in other words, so
that the test says what time it is.  All else is the script as it is shipped.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.environ.get("TURN_LUA") or os.path.join(HERE, "..", "..", "fcgi", "store", "turn.lua")
TIME_LINE = "local time = call('TIME')"
PROTO = "2"
SYNC, ALONE, TELL, LEAVING = 1, 2, 4, 8
SECOND = 1000000
TTL = 3 * SECOND
LAG = 3 * SECOND


# All that the script uses; so much may its user, and no more.
COMMANDS = """evalsha fcall time del unlink exists get set mget hdel hexists hget hgetall hlen hmget hset zadd zcard zcount zrange
zrangebyscore zrem zremrangebyscore zrevrange zscore publish""".split()


class StoreError(Exception):
    """An error reply."""


class Connection:
    """RESP2 over a Unix socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.file = self.sock.makefile("rb")

    def send(self, *words):
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.sock.sendall(b"".join(out))

    def read(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return StoreError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            n = int(rest)
            return None if n < 0 else self.file.read(n + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        raise EOFError("the server is gone")

    def __call__(self, *words):
        self.send(*words)
        answer = self.read()
        if isinstance(answer, StoreError):
            raise answer
        return answer


class Server:
    """redis-server or valkey-server, whichever is there, on a socket of its own."""

    def __init__(self, *options):
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        if program is None:
            sys.exit("neither valkey-server nor redis-server is here: make deps")
        self.dir = tempfile.mkdtemp(prefix="sluice-store.")
        self.path = os.path.join(self.dir, "s")
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", self.path, "--save", "", "--dir", self.dir, *options],
            stdout=self.log, stderr=self.log)
        self.db = self.connect()

    def connect(self):
        while self.process.poll() is None:
            try:
                return Connection(self.path)
            except OSError:
                try:
                    self.process.wait(0.02)
                except subprocess.TimeoutExpired:
                    pass
        sys.exit("the server does not start; see " + self.dir)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def script_text():
    with open(SCRIPT, encoding="ascii") as file:
        text = file.read()
    assert text.count(TIME_LINE) == 1
    return text.replace(TIME_LINE, "local time = {KEYS[2], KEYS[3]}")


def library_text(text):
    """As the Makefile makes it, of the same text."""
    lines = text.splitlines()
    assert lines[-1] == "return run(KEYS, ARGV)"
    return "\n".join(["#!lua name=sluice"] + lines[:-1] + ["redis.register_function('sluice', run)"])


class Answer:
    """What the store said, by name."""

    def __init__(self, words):
        self.kind = words[0].decode()
        self.words = words
        if self.kind != "ok":
            return
        (self.v, self.full, self.vv, self.hosts) = words[1:5]
        self.leases = [(i, s.decode(), c, k.decode(), left, ahead) for i, s, c, k, left, ahead, _ in words[5]]
        self.waits = [lease[6] for lease in words[5]]
        self.ends = {i: left for i, left in words[6]}
        self.rooms = {r[0].decode(): Room(r) for r in words[7]}
        self.values = {n.decode(): (version, blob, own, age) for n, version, blob, own, age in words[8]}
        self.refused = {n.decode(): version for n, version in words[9]}
        self.people = {h.decode(): row for h, *row in words[10]}
        self.life = words[11].decode()

    @property
    def ids(self):
        return [lease[0] for lease in self.leases]

    @property
    def clients(self):
        return [lease[3] for lease in self.leases]


class Room:
    def __init__(self, r):
        (self.used, self.tokens, self.next, self.others, self.recall, self.flying, self.total, self.call) = r[1:9]


def head(client="bob", n=1, cls=1, share=1, age=0, tokens=0, requests=0, span=0, limit_tokens=0):
    client = client.encode()
    return struct.pack("<BB%dsHIQIIQQ" % len(client), cls, len(client), client, share, n, int(age), tokens, requests, span, limit_tokens)


def scope(name="s", heads=(), limit=4, span=SECOND, tokens=0, gap=0, in_flight=0, flying=0, ahead=0, unused=0):
    name = name.encode()
    return struct.pack("<B%dsIQQQIIHIH" % len(name), len(name), name, limit, span, tokens, gap, in_flight, flying, ahead, unused,
                       len(heads)) + b"".join(heads)


def settle(lease, what="s", age=0, tokens=0, cls=1, client="bob"):
    lease, client = str(lease).encode(), client.encode()
    return struct.pack("<cB%dsQIBB%ds" % (len(lease), len(client)), what.encode(), len(lease), lease, int(age), tokens, cls,
                       len(client), client)


def put(name, base, blob, hold=0, cap=0, gap=0, probe=0):
    name, blob = name.encode(), blob if isinstance(blob, bytes) else blob.encode()
    return struct.pack("<B%dsQI%dsQIQB" % (len(name), len(blob)), len(name), name, base, len(blob), blob, hold, cap, gap, probe)


class World:
    """Real time in microseconds, which none of the clocks shows."""

    def __init__(self, server):
        self.server = server
        self.db = server.db
        # As a function, where the server has them and unless AS_SCRIPT is set: as hosts do.
        self.sha = self.db("SCRIPT", "LOAD", script_text())
        self.how = ["EVALSHA", self.sha]
        if not os.environ.get("AS_SCRIPT"):
            try:
                self.db("FUNCTION", "LOAD", "REPLACE", library_text(script_text()))
                self.how = ["FCALL", "sluice"]
            except StoreError as error:
                if "unknown command" not in str(error).lower():
                    raise
        self.other = "evalsha" if self.how[0] == "FCALL" else "fcall"
        self.db("ACL", "SETUSER", "sluice", "reset", "on", ">pw",
                "~sluice:*", "~[0-9]*", "resetchannels", "&sluice:*", *["+" + c for c in COMMANDS if c != self.other])
        self.user = server.connect()
        self.user("AUTH", "sluice", "pw")
        self.account = 0
        self.real = 10 ** 15
        self.wall = 0  # of the store, beside real
        self.hosts = 0
        self.run = "run:1"
        self.fresh()

    def fresh(self):
        """Another account: nothing of it is known."""
        self.account += 1
        self.prefix = "sluice:{a%d}:" % self.account

    def key(self, name):
        return self.prefix + name

    def sleep(self, us):
        self.real += int(us)

    def host(self, **more):
        self.hosts += 1
        return Host(self, "%016x" % self.hosts, **more)

    def raw(self, *argv):
        now = self.real + self.wall
        return self.user(*self.how, 3, self.key("meta"), now // SECOND, now % SECOND, *argv)

    def past_full(self, hosts, *scopes):
        """Until the windows of a new account are known: somebody calls meanwhile."""
        answer = None
        for _ in range(200):
            for h in hosts:
                answer = h.call(*scopes)
            if answer.full == 0:
                return answer
            self.sleep(min(SECOND, answer.full))
        raise AssertionError("full for ever")


class Host:
    def __init__(self, world, name, boot=None, epoch=1):
        self.world, self.name, self.epoch = world, name, epoch
        self.boot = boot if boot is not None else 5 * 10 ** 14 - 7777 * int(name, 16)
        self.vv = 0
        self.rtt = 100

    @property
    def b(self):
        return self.world.real - self.boot

    def argv(self, scopes, settles=(), puts=(), flags=0, epoch=None, b=None, vv=None, run=None, early=0, host=None, name=None, lists=None):
        run, name = (run or self.world.run).encode(), (name or "host-" + self.name[-4:]).encode()
        lists = lists or (len(settles), len(scopes), len(puts))
        words = struct.pack("<B%ds16sB%dsQQBQQIHBB" % (len(run), len(name)), len(run), run, (host or self.name).encode(), len(name), name,
                            self.epoch if epoch is None else epoch, int(self.b if b is None else b), flags, int(self.rtt),
                            self.vv if vv is None else vv, early, *lists)
        return [PROTO, words + b"".join(settles) + b"".join(scopes) + b"".join(puts)]

    def call(self, *scopes, **more):
        answer = Answer(self.world.raw(*self.argv(scopes, **more)))
        if answer.kind == "ok":
            self.vv = answer.vv
        return answer


class Count:
    """The sentences that hold, and those that do not."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def check(self, sentence, holds, *seen):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL %s: %s" % (self.name, sentence))
            for thing in seen:
                print("     " + str(thing)[:600])

    def same(self, sentence, want, have):
        self.check(sentence, want == have, "wanted: %r" % (want,), "have:   %r" % (have,))

    def end(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(self.failed != 0)


def exceeded(writes, limit, span):
    """The first window of SPAN with more than LIMIT of WRITES, or None."""
    times = sorted(writes)
    for i in range(len(times) - limit):
        if times[i + limit] - times[i] < span:
            return times[i:i + limit + 1]
    return None
