# Sluice: `make help` lists the targets, `make run` shows it working.
#
# No configure step.  VARIANT=asan or tsan builds the same tree with that
# sanitizer into build/asan or build/tsan; the tests find the programs through
# SLUICE_BUILD, which they are given from here.
#
# Elsewhere: tests/tests.mk (what fuzzes, injects, measures), tests/lint/lint.mk,
# packaging/deps.mk (what it needs), packaging/package.mk (install, deb).

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
FCGI_LIBS  := $(shell pkg-config --libs libssl hiredis 2>/dev/null || echo -lssl -lhiredis) -lfcgi
STD     = -std=c17 -D_GNU_SOURCE -I. -DSLUICE_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
CFLAGS  =
LDFLAGS =
ALL_CFLAGS  = $(STD) $(WARN) $(MODE_$(VARIANT)) -fPIE -pthread $(CFLAGS)
ALL_LDFLAGS = $(filter-out -D% -U%,$(MODE_$(VARIANT))) -pthread \
  $(LINK) -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack $(LDFLAGS)

# -------------------------------------------------------------- programs --

# One folder, one floor: who may include whom is tests/lint/floors.
LIB   := $(wildcard lib/*.c)
STATE := $(wildcard state/*.c state/*/*.c)
FCGI  := $(filter-out fcgi/main.c,$(wildcard fcgi/*.c fcgi/*/*.c))
CTL   := $(wildcard ctl/*.c) $(addprefix fcgi/config/,aliases.c api_url.c authority.c \
  client_fields.c clients.c config.c fallbacks.c header_rules.c json_file.c \
  key_text.c keys.c lines.c live.c origins.c pool.c protocols.c proxy_text.c settings.c \
  setting_allowed.c setting_text.c store_settle.c store_url.c tls_files.c values.c)
SIM   := $(wildcard tests/nimsim/*.c)
UNIT  := $(wildcard tests/unit/*.c)
SPINE := $(wildcard tests/spine/*.c)
# state/ alone has no threads: nothing for TSan (tests/unit/main.c).
CRASH := $(if $(filter tsan,$(VARIANT)),,$(wildcard tests/crash/*.c))
C     := $(wildcard $(addsuffix /*.[ch],lib state state/* fcgi fcgi/* ctl tests/* tests/bench/*))
obj    = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# The script of the shared store, as a text in the program.
TURN   = $(BUILD)/obj/turn_lua.o

# A program is built as soon as its main file is there.
PROGRAMS := $(if $(wildcard fcgi/main.c),$(BUILD)/sluice.fcgi) \
  $(if $(wildcard ctl/main.c),$(BUILD)/sluicectl) \
  $(if $(wildcard tests/nimsim/main.c),$(BUILD)/nimsim)
TESTS := $(if $(wildcard tests/unit/main.c),$(BUILD)/unit-tests) \
  $(if $(wildcard tests/spine/main.c),$(BUILD)/spine-tests) \
  $(if $(wildcard tests/model/main.c),$(BUILD)/model) \
  $(BUILD)/bench/goodput $(BUILD)/bench/load $(BUILD)/store/caller $(CRASH:tests/crash/%.c=$(BUILD)/crash/%)

# A decision passes through a hundred small functions in as many files of state/
# and lib/, and is a fifth faster once the compiler has seen them together.  What
# only tests them does without: it costs five seconds a program.
LTO := $(if $(VARIANT),,$(if $(shell $(CC) -v 2>&1 | grep '^gcc version'),-flto=auto))
$(call obj,$(STATE) $(LIB)): private FAT = $(LTO:%=% -ffat-lto-objects)
LINK = -fno-lto
$(BUILD)/sluice.fcgi $(BUILD)/bench/limiter_bench: private LINK = $(LTO)

all: $(PROGRAMS) ## build the programs into build/

$(BUILD)/sluice.fcgi: $(call obj,fcgi/main.c $(FCGI) $(STATE) $(LIB)) $(TURN)
$(BUILD)/sluice.fcgi: LIBS = $(PKG_LIBS) $(FCGI_LIBS)
$(BUILD)/sluicectl:   $(call obj,$(CTL) $(STATE) $(LIB))
$(BUILD)/sluicectl:   LIBS = $(PKG_LIBS)
$(BUILD)/nimsim:      $(call obj,$(SIM))
$(BUILD)/nimsim:      LIBS = -lmicrohttpd -ljson-c -lgnutls
$(BUILD)/unit-tests:  $(call obj,$(UNIT) $(FCGI) $(STATE) $(LIB)) $(TURN)
$(BUILD)/unit-tests:  LIBS = $(PKG_LIBS) $(FCGI_LIBS) -lcunit
# With a false limiter, a false upstream and a false clock: of state/ only what
# none of them stands for.
SPINE_REAL = $(filter-out fcgi/upstream/upstream.c fcgi/upstream/handle.c \
  fcgi/upstream/multi.c lib/clock.c,$(FCGI) $(LIB))
$(BUILD)/spine-tests: $(call obj,$(SPINE) $(SPINE_REAL)) $(TURN) $(BUILD)/spine-state.a
$(BUILD)/spine-tests: LIBS = $(BUILD)/spine-state.a $(PKG_LIBS) $(FCGI_LIBS) -lcunit
$(BUILD)/model:       $(call obj,$(wildcard tests/model/*.c))
$(BUILD)/spine-state.a: $(call obj,$(STATE))
	@rm -f $@; $(AR) rcs $@ $^
$(BUILD)/store/caller: $(call obj,tests/store/caller.c $(wildcard fcgi/store/*.c) fcgi/config/store_url.c $(LIB)) $(TURN)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(FCGI_LIBS)
$(BUILD)/crash/%:     $(BUILD)/obj/tests/crash/%.o $(call obj,$(STATE) $(LIB))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/sluice.fcgi $(BUILD)/sluicectl $(BUILD)/nimsim $(BUILD)/unit-tests $(BUILD)/spine-tests $(BUILD)/model:
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FAT) -MMD -MP -c -o $@ $<

$(BUILD)/turn_lua.c: fcgi/store/turn.lua
	@mkdir -p $(@D)
	@name=sluice_$$(sha1sum <$< | cut -c -16); \
	bytes() { od -An -v -tx1 | sed 's/ \(..\)/0x\1,/g'; echo '0};'; }; \
	{ echo '#include "fcgi/store/store_turn.h"'; echo "const char store_turn_name[] = \"$$name\";"; \
	echo 'const char store_turn_lua[] = {'; bytes <$<; echo 'const char store_turn_library[] = {'; \
	{ echo "#!lua name=$$name"; sed '$$d' $<; echo "redis.register_function('$$name', run)"; } | bytes; } >$@.new && mv $@.new $@
$(TURN): $(BUILD)/turn_lua.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Other flags, another compiler: everything anew.
FLAGS = $(CC) $(ALL_CFLAGS) / $(ALL_LDFLAGS) $(PKG_LIBS) $(FCGI_LIBS)
$(BUILD)/flags: force
	@mkdir -p $(@D); echo '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS))' >$@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ------------------------------------------------------- running, testing --

built = @+$(MAKE) -s -j$(NPROC)
tried = @unset NVIDIA_API_KEY; SLUICE_BUILD=$(BUILD)

run: deps ## build, and run in the foreground (SLUICE_LISTEN, NVIDIA_API_KEY, ...); SHARED=1: two hosts with one limit
	$(if $(SHARED),,@conf/run --check)
	@[ -x $(BUILD)/sluice.fcgi ] || echo 'Building Sluice, once: that takes a minute or two, and says nothing unless something is wrong.'
	$(built) all
	@exec conf/run$(if $(SHARED),-shared)

programs: $(PROGRAMS) $(TESTS)

test: deps ## unit tests, crash tests, and the tests against real servers
	$(built) programs
	$(tried) tests/run-all

# Under TSan only what has threads (tests/unit/main.c); of fuzz and inject a
# sample.
ALL_TESTS = plain asan tsan sdk fuzz inject browser
test-all: deps ## all of it: plain, ASan+UBSan, TSan, the SDKs, a browser, a little fuzz and inject
	@+MAKE='$(MAKE)' tests/all $(ALL_TESTS)
all-plain: test
all-asan all-tsan:
	@$(MAKE) test VARIANT=$(@:all-%=%)
all-sdk: test-sdk
all-browser: test-browser
all-fuzz:
	@$(MAKE) fuzz FUZZ_S=5
all-inject:
	@$(MAKE) inject INJECT_ARGS=--short

test-sdk: all ## the SDKs of OpenAI and Anthropic from npm and PyPI against it
	@SLUICE_BUILD=$(BUILD) tests/sdk/run.sh; rc=$$?; [ $$rc = 77 ] || exit $$rc # 77: no SDK can run here

test-servers: servers-deps ## behind lighttpd, Apache (both modules) and nginx, with the files of conf/ (3 minutes)
	$(built) all
	@unset NVIDIA_API_KEY; export SLUICE_BUILD=$(BUILD); rc=0; \
	for t in tests/servers/units tests/servers/run; do $$t || rc=1; done; exit $$rc

test-hosts: hosts-deps ## three hosts and a store to which everything happens, each in a network and a time of its own (root, 7 minutes)
	$(built) all $(BUILD)/hosts/clock_step.so
	@SLUICE_BUILD=$(BUILD) tests/hosts/run $(SCENES)

test-browser: browser-deps ## the dashboard in a real headless Chromium (MEM_S=20 TRUTH_S=20 SWEEP=all)
	$(built) all
	@SLUICE_BUILD=$(BUILD) tests/browser/run

test-readme: ## every command of README.md and conf/README.md, as printed (root, a fresh machine to spare)
	@tests/readme/run

test-package: ## install, try, remove and purge the .deb (root, a machine to spare)
	@SLUICE_BUILD=$(BUILD) tests/package/run

test-monitoring: monitoring-deps ## alert rules and dashboard against a real Prometheus
	$(built) all
	@SLUICE_BUILD=$(BUILD) tests/prometheus/run

test-container: deps ## build and run the image (root; docker, podman or buildah, or CONTAINER=)
	$(built) all
	$(tried) CONTAINER='$(CONTAINER)' tests/container/run

fuzz: fuzz-deps ## each parser against libFuzzer for FUZZ_S seconds (60)
	$(built) CC=$(FUZZ_CC) VARIANT=fuzz fuzzers
	@SLUICE_BUILD=build/fuzz FUZZ_S=$(FUZZ_S) tests/fuzz/run $(TARGETS)

inject: deps ## a worker's calls fail one by one: malloc, read, mmap, ... (5 minutes)
	$(built) all $(INJECT)
	@$(BUILD)/inject/run $(INJECT_ARGS)

bench soak: deps ## the numbers to reach (9 minutes; ROWS=...); mixed load (SOAK_MIN=15)
	$(built) all $(BENCH)
	@SLUICE_BUILD=$(BUILD) tests/bench/$(@:bench=run) $(ROWS)

asan tsan: ## build with that sanitizer into build/asan, build/tsan
	@+$(MAKE) VARIANT=$@ -j$(NPROC) programs

cover: deps ## which lines the tests reach
	@-$(MAKE) test VARIANT=cover
	@tests/cover build/cover
cover-spine: deps ## which lines of a request's way the unit tests and the spine's reach: 85 % of each
	@+$(MAKE) -s -j$(NPROC) VARIANT=cover build/cover/unit-tests build/cover/spine-tests
	@tests/cover build/cover spine

clean: ## remove build/
	rm -rf build

# An image is built without tests/.
MK = $(wildcard tests/tests.mk tests/lint/lint.mk) packaging/deps.mk packaging/package.mk
include $(MK)

help: ## this list
	@sed -n 's/^\([a-z][a-z -]*\):.*##/\1:/p' Makefile $(MK) | awk '{ n = index($$0, ":"); printf "  %-16s%s\n", substr($$0, 1, n - 1), substr($$0, n + 1) }'

force:
.PHONY: all run programs test test-all $(ALL_TESTS:%=all-%) test-sdk test-servers test-browser test-readme test-package \
  test-monitoring test-container fuzz inject bench soak asan tsan cover cover-spine clean help force
