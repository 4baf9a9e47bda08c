# Sluice: `make help` lists the targets, `make run` shows it working.
#
# No configure step.  VARIANT=asan or tsan builds the same tree with that
# sanitizer into build/asan or build/tsan; the tests find the programs through
# SLUICE_BUILD, which they are given from here.

VERSION = 0.1.0
VARIANT =
BUILD   = build$(VARIANT:%=/%)
PREFIX  = /usr/local
NPROC  := $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += --no-print-directory -r

# ------------------------------------------------------------- compiling --

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion \
  -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith \
  -Wcast-qual -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
HARDEN = -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
  -fstack-clash-protection $(if $(findstring x86_64,$(MACHINE)),-fcf-protection=full)
SANITIZE = -O1 -g -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_     = $(HARDEN)
MODE_asan = $(SANITIZE) -fsanitize=address,undefined
MODE_tsan = $(SANITIZE) -fsanitize=thread
MODE_cover = -O0 -g --coverage
MODE_fuzz = $(MODE_asan) -fsanitize=fuzzer-no-link

MACHINE  := $(shell $(CC) -dumpmachine 2>/dev/null)
PACKAGES  = libcurl json-c libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null || echo -lcurl -ljson-c -lcrypto)
STD     = -std=c17 -D_GNU_SOURCE -I. -DSLUICE_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
CFLAGS  =
LDFLAGS =
ALL_CFLAGS  = $(STD) $(WARN) $(MODE_$(VARIANT)) -fPIE -pthread $(CFLAGS)
ALL_LDFLAGS = $(filter-out -D% -U%,$(MODE_$(VARIANT))) -pthread \
  -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack $(LDFLAGS)

# -------------------------------------------------------------- programs --

# One folder, one floor: who may include whom is tests/lint/floors.
LIB   := $(wildcard lib/*.c)
STATE := $(wildcard state/*.c state/*/*.c)
FCGI  := $(filter-out fcgi/main.c,$(wildcard fcgi/*.c fcgi/*/*.c))
CTL   := $(wildcard ctl/*.c) $(addprefix fcgi/config/,atomic_file.c clients.c config.c \
  json_file.c live.c settings.c setting_text.c values.c)
SIM   := $(wildcard tests/nimsim/*.c)
UNIT  := $(wildcard tests/unit/*.c)
SPINE := $(wildcard tests/spine/*.c)
# state/ alone has no threads: nothing for TSan (tests/unit/main.c).
CRASH := $(if $(filter tsan,$(VARIANT)),,$(wildcard tests/crash/*.c))
FUZZ  := $(wildcard tests/fuzz/fuzz_*.c)
C     := $(wildcard $(addsuffix /*.[ch],lib state state/* fcgi fcgi/* ctl tests/*))
obj    = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# A program is built as soon as its main file is there.
PROGRAMS := $(if $(wildcard fcgi/main.c),$(BUILD)/sluice.fcgi) \
  $(if $(wildcard ctl/main.c),$(BUILD)/sluicectl) \
  $(if $(wildcard tests/nimsim/main.c),$(BUILD)/nimsim)
TESTS := $(if $(wildcard tests/unit/main.c),$(BUILD)/unit-tests) \
  $(if $(wildcard tests/spine/main.c),$(BUILD)/spine-tests) \
  $(CRASH:tests/crash/%.c=$(BUILD)/crash/%)

all: $(PROGRAMS) ## build the programs into build/

$(BUILD)/sluice.fcgi: $(call obj,fcgi/main.c $(FCGI) $(STATE) $(LIB))
$(BUILD)/sluice.fcgi: LIBS = $(PKG_LIBS) -lfcgi
$(BUILD)/sluicectl:   $(call obj,$(CTL) $(STATE) $(LIB))
$(BUILD)/sluicectl:   LIBS = $(PKG_LIBS)
$(BUILD)/nimsim:      $(call obj,$(SIM))
$(BUILD)/nimsim:      LIBS = -lmicrohttpd -ljson-c -lgnutls
$(BUILD)/unit-tests:  $(call obj,$(UNIT) $(FCGI) $(STATE) $(LIB))
$(BUILD)/unit-tests:  LIBS = $(PKG_LIBS) -lfcgi -lcunit
# With a false limiter, a false upstream and a false clock: of state/ only what
# none of them stands for.
SPINE_REAL = $(filter-out fcgi/upstream/upstream.c fcgi/upstream/handle.c \
  fcgi/upstream/multi.c lib/clock.c,$(FCGI) $(LIB))
$(BUILD)/spine-tests: $(call obj,$(SPINE) $(SPINE_REAL)) $(BUILD)/spine-state.a
$(BUILD)/spine-tests: LIBS = $(BUILD)/spine-state.a $(PKG_LIBS) -lfcgi -lcunit
$(BUILD)/spine-state.a: $(call obj,$(STATE))
	@rm -f $@; $(AR) rcs $@ $^
$(BUILD)/crash/%:     $(BUILD)/obj/tests/crash/%.o $(call obj,$(STATE) $(LIB))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# A fuzz target is a file; `make fuzz` builds them with clang, VARIANT=fuzz.
FUZZERS := $(FUZZ:tests/fuzz/%.c=$(BUILD)/targets/%)
$(FUZZERS): $(BUILD)/targets/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,$(FCGI) $(STATE) $(LIB))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) -lfcgi

# For `make inject`: a runner, and what it puts into the workers.
INJECT := $(BUILD)/inject/run $(BUILD)/inject/preload.so
$(BUILD)/inject/run: $(call obj,$(addprefix tests/inject/,run.c worker.c ask.c))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/inject/preload.so: tests/inject/preload.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CFLAGS) -O1 -g -fPIC -shared -fvisibility=hidden -o $@ $<

BENCH := $(addprefix $(BUILD)/bench/,load hello limiter_bench)
$(BUILD)/bench/load:  $(call obj,$(addprefix tests/bench/,load.c client.c samples.c))
$(BUILD)/bench/hello: $(call obj,tests/bench/hello.c)
$(BUILD)/bench/hello: LIBS = -lfcgi
$(BUILD)/bench/limiter_bench: $(call obj,$(addprefix tests/bench/,limiter_bench.c grow.c turns.c desk.c samples.c) $(STATE) $(LIB))
$(BENCH):
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(BUILD)/sluice.fcgi $(BUILD)/sluicectl $(BUILD)/nimsim $(BUILD)/unit-tests $(BUILD)/spine-tests:
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Other flags, another compiler: everything anew.
FLAGS = $(CC) $(ALL_CFLAGS) / $(ALL_LDFLAGS) $(PKG_LIBS)
$(BUILD)/flags: force
	@mkdir -p $(@D); echo '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS))' >$@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ------------------------------------------------------- running, testing --

run: deps ## build, and run in the foreground (SLUICE_LISTEN, NVIDIA_API_KEY, ...)
	@+$(MAKE) -s -j$(NPROC) all
	@exec conf/run

test: deps ## unit tests, crash tests, and the tests against real servers
	@+$(MAKE) -s -j$(NPROC) programs
	@unset NVIDIA_API_KEY; SLUICE_BUILD=$(BUILD) tests/run-all

# Under TSan only what has threads (tests/unit/main.c); of fuzz and inject a
# sample.  Each leaves its log and its sum in build/.
ALL_TESTS = plain asan tsan sdk fuzz inject browser
test-all: deps ## all of it: plain, ASan+UBSan, TSan, the SDKs, a browser, a little fuzz and inject
	@rc=0; mkdir -p build; rm -f build/all-*; for t in $(ALL_TESTS); do echo "== $$t"; \
	    { $(MAKE) all-$$t 2>&1; echo "EXIT $$?"; } | tee build/all-$$t.log | grep --line-buffered -v '^EXIT [0-9]*$$'; \
	    tail -n 1 build/all-$$t.log | grep -qx 'EXIT 0' || rc=1; \
	    grep -E '^[0-9]+ passed, [0-9]+ failed$$' build/all-$$t.log | tail -n 1 | \
	        grep . >build/all-$$t.sum || echo 0 passed, 1 failed >build/all-$$t.sum; done; \
	for t in $(ALL_TESTS); do echo "$$t: $$(cat build/all-$$t.sum)"; done; \
	cat build/all-*.sum | awk '{ p += $$1; f += $$3 } END { printf "%d passed, %d failed\n", p, f }'; exit $$rc
all-plain: test
all-asan all-tsan:
	@$(MAKE) test VARIANT=$(@:all-%=%)
all-sdk: test-sdk
all-browser: test-browser
all-fuzz:
	@$(MAKE) fuzz FUZZ_S=5
all-inject:
	@$(MAKE) inject INJECT_ARGS=--short

test-sdk: all ## the OpenAI SDKs from npm and PyPI against it
	@SLUICE_BUILD=$(BUILD) tests/sdk/run.sh; rc=$$?; [ $$rc = 77 ] || exit $$rc # 77: neither SDK can run here

test-servers: servers-deps ## behind lighttpd, Apache (both modules) and nginx, with the files of conf/ (3 minutes)
	@+$(MAKE) -s -j$(NPROC) all
	@unset NVIDIA_API_KEY; export SLUICE_BUILD=$(BUILD); rc=0; \
	for t in tests/servers/units tests/servers/run; do $$t || rc=1; done; exit $$rc

test-browser: browser-deps ## the dashboard in a real headless Chromium (MEM_S=20)
	@+$(MAKE) -s -j$(NPROC) all
	@SLUICE_BUILD=$(BUILD) tests/browser/run

test-readme: ## every command of README.md, as printed (root, a fresh machine to spare)
	@tests/readme/run

FUZZ_CC = clang
FUZZ_S  = 60
fuzz: fuzz-deps ## each parser against libFuzzer for FUZZ_S seconds (60)
	@+$(MAKE) -s -j$(NPROC) CC=$(FUZZ_CC) VARIANT=fuzz fuzzers
	@SLUICE_BUILD=build/fuzz FUZZ_S=$(FUZZ_S) tests/fuzz/run $(TARGETS)
fuzzers: $(FUZZERS)
fuzz-objects: $(call obj,$(FUZZ))
inject-programs: $(INJECT)

inject: deps ## a worker's calls fail one by one: malloc, read, mmap, ... (5 minutes)
	@+$(MAKE) -s -j$(NPROC) all $(INJECT)
	@$(BUILD)/inject/run $(INJECT_ARGS)

bench soak: deps ## the numbers to reach (9 minutes; ROWS=...); mixed load (SOAK_MIN=15)
	@+$(MAKE) -s -j$(NPROC) all $(BENCH)
	@SLUICE_BUILD=$(BUILD) tests/bench/$(@:bench=run) $(ROWS)

programs: $(PROGRAMS) $(TESTS)

asan tsan: ## build with that sanitizer into build/asan, build/tsan
	@+$(MAKE) VARIANT=$@ -j$(NPROC) programs

# Lines that were reached since the last .gcda was removed: of each file.
REACHED = find $(addprefix build/cover/obj/,lib state fcgi ctl) -name '*.gcda' | xargs gcov -n 2>/dev/null | \
  awk -F"[':%]" '/^File/ { f = $$2 } /^Lines/ && f ~ /\.c$$/ { printf "%7s%% %s\n", $$2, f; f = "" }' | sort -k2
cover: deps ## which lines the tests reach
	@-$(MAKE) test VARIANT=cover
	@$(REACHED)

# The way of a request: it has to be seen without a real limiter and a real upstream.
WAY       = exchange attempt forward relay relay_end refuse request_stats upstream/upstream upstream/handle upstream/multi
WAY_LEAST = 85
cover-spine: deps ## which lines of a request's way the unit tests and the spine's reach: 85 % of each
	@+$(MAKE) -s -j$(NPROC) VARIANT=cover build/cover/unit-tests build/cover/spine-tests
	@find build/cover/obj -name '*.gcda' -delete; rc=0; \
	for t in unit spine; do build/cover/$$t-tests >build/cover/$$t.log || { tail -n 60 build/cover/$$t.log; rc=1; }; done; \
	$(REACHED) | awk -v way='$(WAY:%=fcgi/%.c)' -v least=$(WAY_LEAST) 'BEGIN { n = split(way, f, " "); for (i in f) is[f[i]] = 1 } \
	    $$2 in is { print; n--; low += $$1 < least } END { exit n || low }' && exit $$rc

# --------------------------------------------------------- what it needs --

BUILD_DEPS = gcc libc6-dev pkgconf libfcgi-dev libcurl4-openssl-dev libssl-dev libjson-c-dev
DEPS = $(BUILD_DEPS) libcunit1-dev libmicrohttpd-dev libgnutls28-dev lighttpd \
  lighttpd-mod-openssl ca-certificates curl jq openssl procps
BROWSER_DEPS = python3 chromium chromium-driver fonts-noto-cjk
SERVERS_DEPS = apache2 libapache2-mod-fcgid nginx-light perl-base systemd
LINT_DEPS = clang clang-tidy clang-format cppcheck codespell shellcheck

# Installs lighttpd without its service, which would take port 80; Prometheus too.
APT = apt-get install -qq -y --no-install-recommends
define ensure
@command -v dpkg-query >/dev/null || exit 0; \
have=" $$(dpkg-query -W -f '$${db:Status-Abbrev}$${Package} ' $(1) 2>/dev/null) "; \
need=; for p in $(1); do case "$$have" in *"ii $$p "*) ;; *) need="$$need $$p" ;; esac; done; \
[ -n "$$need" ] || exit 0; \
if [ "$$(id -u)" != 0 ]; then echo "Missing packages:  sudo apt-get install --no-install-recommends$$need" >&2; exit 1; fi; \
echo "Installing$$need"; export DEBIAN_FRONTEND=noninteractive; policy=/usr/sbin/policy-rc.d; \
if [ ! -e $$policy ]; then trap 'rm -f $$policy' EXIT; trap 'exit 1' INT TERM HUP; \
    printf '#!/bin/sh\nexit 101\n' >$$policy; chmod 755 $$policy; fi; \
$(APT) $$need >/dev/null 2>&1 || { apt-get update -qq && $(APT) $$need >/dev/null; } || exit 1; \
for p in lighttpd prometheus apache2 nginx; do case "$$need " in *" $$p "* | *" $$p-light "*) \
    systemctl disable --quiet $$p 2>/dev/null || : ;; esac; done
endef

deps: ## install the Debian packages it needs (root), or say which
	$(call ensure,$(DEPS))

browser-deps: deps ## Chromium and its driver, for test-browser
	$(call ensure,$(BROWSER_DEPS))

lint-deps: deps
	$(call ensure,$(LINT_DEPS))

servers-deps: deps ## the web servers of `make test-servers`
	$(call ensure,$(SERVERS_DEPS))

# libFuzzer is in clang's run-time library, a package of its own whose name
# bears the version; whether all of it is there is seen by trying.
HAS_FUZZER = echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p == 0 && n; }' | \
  $(FUZZ_CC) -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null
fuzz-deps: deps
	@$(HAS_FUZZER) || $(MAKE) fuzz-packages || :
	@$(HAS_FUZZER) || { echo "make fuzz: $(FUZZ_CC) cannot build a libFuzzer target here: it needs clang and its" \
	    "run-time library (Debian: clang, libclang-rt-dev)" >&2; exit 1; }
fuzz-packages:
	$(call ensure,clang libclang-rt-dev)

# ----------------------------------------------------------------- checks --

TIDY = -*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,-bugprone-assignment-in-if-condition,-bugprone-implicit-widening-of-multiplication-result,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
SHELLS := $(shell grep -lsE '^\#!/(usr/)?bin/(env )?(ba)?sh' .ci/run $$(find tests conf packaging -type f 2>/dev/null))

lint: lint-deps ## everything that finds faults without running
	@+$(MAKE) -k -j$(NPROC) -Otarget lint-gcc lint-clang lint-cppcheck lint-tidy lint-words lint-shell lint-format
lint-gcc lint-clang:
	@+$(MAKE) -s CC=$(@:lint-%=%) BUILD=build/$@ CFLAGS=-Werror programs fuzz-objects inject-programs
# readdir(3) is safe for a stream of one's own; posix.cfg forbids mmap(-1) and
# _exit(a comparison).
CPPCHECK_WRONG = --suppress=readdirCalled --suppress=invalidFunctionArg:tests/* --suppress=invalidFunctionArgBool:tests/*
lint-cppcheck:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --library=posix --library=tests/cppcheck.cfg --suppress=missingIncludeSystem $(CPPCHECK_WRONG) -D_GNU_SOURCE -I. $(filter %.c,$(C))
lint-tidy: # not the unit tests nor the spine's: it does not know that CUnit's FATAL asserts end a test
	@printf '%s\n' $(filter-out tests/unit/% tests/spine/%,$(filter %.c,$(C))) | xargs -P$(NPROC) -I{} \
	    clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' {} -- $(STD) 2>/dev/null
lint-words:
	@codespell --skip 'build,.git,*.svg,./tests/fuzz/seeds' -L queu,nd,nin .
lint-shell:
	@[ -z "$(SHELLS)" ] || shellcheck -x $(SHELLS)
lint-format: # other versions of clang-format would want it otherwise
	@clang-format --version | grep -q 'version 14' || { echo 'clang-format is not 14: skipped'; exit 0; }; \
	clang-format --dry-run -Werror $(C)

format: ## put the C code in shape
	@clang-format -i $(C)

# -------------------------------------------------------------- the rest --

include packaging/package.mk

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z][a-z -]*\):.*##/\1:/p' Makefile packaging/package.mk | awk '{ n = index($$0, ":"); printf "  %-16s%s\n", substr($$0, 1, n - 1), substr($$0, n + 1) }'

force:
.PHONY: all run test test-all $(ALL_TESTS:%=all-%) test-sdk test-servers servers-deps test-browser browser-deps test-readme fuzz fuzzers fuzz-objects inject inject-programs \
  bench soak programs asan tsan cover cover-spine deps lint-deps fuzz-deps fuzz-packages lint lint-gcc lint-clang \
  lint-cppcheck lint-tidy lint-words lint-shell lint-format format clean help force
