# tests.mk - programs that `make programs` does not build: what fuzzes, injects
# faults and measures.  Included by the Makefile.

# A fuzz target is a file; `make fuzz` builds them with clang, VARIANT=fuzz.
FUZZ     := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS  := $(FUZZ:tests/fuzz/%.c=$(BUILD)/targets/%)
FUZZ_CC   = clang
FUZZ_S    = 60
$(FUZZERS): $(BUILD)/targets/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,$(FCGI) $(STATE) $(LIB)) $(TURN)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) $(FCGI_LIBS)

# For `make inject`: a runner, and what it puts into the workers.
INJECT := $(BUILD)/inject/run $(BUILD)/inject/preload.so
$(BUILD)/inject/run: $(call obj,$(addprefix tests/inject/,run.c worker.c ask.c))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/inject/preload.so: tests/inject/preload.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CFLAGS) -O1 -g -fPIC -shared -fvisibility=hidden -o $@ $<

# A wall clock that steps, for the store of tests/hosts/.
$(BUILD)/hosts/clock_step.so: tests/hosts/clock_step.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(CFLAGS) -O1 -g -fPIC -shared -o $@ $<

BENCH := $(addprefix $(BUILD)/bench/,load open hello limiter_bench goodput transfers)
$(BUILD)/bench/load:  $(call obj,$(addprefix tests/bench/,load.c client.c samples.c))
$(BUILD)/bench/open:  $(call obj,tests/bench/open.c)
$(BUILD)/bench/hello: $(call obj,tests/bench/hello.c)
$(BUILD)/bench/hello: LIBS = -lfcgi
$(BUILD)/bench/limiter_bench: $(call obj,$(addprefix tests/bench/,limiter_bench.c grow.c turns.c desk.c samples.c) $(STATE) $(LIB))
$(BUILD)/bench/limiter_bench: LIBS = $(PKG_LIBS)
$(BUILD)/bench/goodput: $(call obj,$(wildcard tests/bench/goodput/*.c) tests/bench/samples.c $(STATE) $(LIB))
$(BUILD)/bench/goodput: LIBS = $(PKG_LIBS) -lm
$(BUILD)/bench/transfers: $(call obj,tests/bench/transfers.c tests/bench/samples.c $(FCGI) $(STATE) $(LIB)) $(TURN)
$(BUILD)/bench/transfers: LIBS = $(PKG_LIBS) $(FCGI_LIBS)
$(BENCH):
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

test-clients: all ## clients that others wrote, from five registries, before it (NAMES="litellm ...")
	@SLUICE_BUILD=$(BUILD) tests/clients/run.sh $(NAMES); rc=$$?; [ $$rc = 77 ] || exit $$rc # 77: none can run here
	@SLUICE_BUILD=$(BUILD) tests/clients/codex_chat.sh; rc=$$?; [ $$rc = 77 ] || exit $$rc

test-upstreams: all ## it before servers that others wrote: aimock (npm) and LiteLLM's proxy (PyPI)
	@SLUICE_BUILD=$(BUILD) tests/upstreams/run.sh $(NAMES); rc=$$?; [ $$rc = 77 ] || exit $$rc # 77: neither can run here

bench-peers: peers-deps ## BENCHMARKS.md: beside nginx, SMG, Portkey and LiteLLM (25 minutes; PEERS=... PARTS=... RUNS=...)
	$(built) all $(BENCH)
	@SLUICE_BUILD=$(BUILD) tests/bench/peers/install $(or $(PEERS),smg portkey litellm)
	@SLUICE_BUILD=$(BUILD) tests/bench/peers/run

fuzzers: $(FUZZERS)
fuzz-objects: $(call obj,$(FUZZ))
inject-programs: $(INJECT)
bench-programs: $(BENCH)

.PHONY: test-clients test-upstreams bench-peers fuzzers fuzz-objects inject-programs bench-programs
