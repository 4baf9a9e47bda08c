# lint.mk - everything that finds faults without running.
#
# Included by the Makefile.  Each check is a target of its own, lint-NAME, and
# `make lint` runs all of them to their end, whatever the others find.

LINTS = gcc clang cppcheck tidy words shell format proof floors house

TIDY = -*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,-bugprone-assignment-in-if-condition,-bugprone-implicit-widening-of-multiplication-result,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
# An int8_t is a number, not a character.
TIDY_CONFIG = {CheckOptions: [{key: bugprone-signed-char-misuse.CharTypdefsToIgnore, value: int8_t}]}
SHELLS = $(shell grep -lsE '^\#!/(usr/)?bin/(env )?(ba)?sh' .ci/run $$(find tests conf packaging -type f))

lint: lint-deps ## everything that finds faults without running
	@+$(MAKE) -k -j$(NPROC) -Otarget $(LINTS:%=lint-%)
lint-gcc lint-clang:
	@+$(MAKE) -s CC=$(@:lint-%=%) BUILD=build/$@ CFLAGS=-Werror programs fuzz-objects inject-programs bench-programs
# readdir(3) is safe for a stream of one's own; posix.cfg forbids mmap(-1) and
# _exit(a comparison).
CPPCHECK_WRONG = --suppress=readdirCalled --suppress=invalidFunctionArg:tests/* --suppress=invalidFunctionArg:state/stats/stats_file.c --suppress=invalidFunctionArgBool:tests/*
lint-cppcheck:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --library=posix --library=tests/cppcheck.cfg --suppress=missingIncludeSystem $(CPPCHECK_WRONG) -D_GNU_SOURCE -I. $(filter %.c,$(C))
lint-tidy: # not the unit tests nor the spine's: it does not know that CUnit's FATAL asserts end a test
	@printf '%s\n' $(filter-out tests/unit/% tests/spine/%,$(filter %.c,$(C))) | xargs -P$(NPROC) -I{} \
	    clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' --config='$(TIDY_CONFIG)' {} -- $(STD) 2>/dev/null
lint-words:
	@codespell --skip 'build,.git,*.svg,./tests/fuzz/seeds' -L queu,nd,nin,te,inflight .
lint-shell:
	@shellcheck -x $(SHELLS)
lint-format: # other versions of clang-format would want it otherwise
	@clang-format --version | grep -q 'version 14' || { echo 'clang-format is not 14: skipped'; exit 0; }; \
	clang-format --dry-run -Werror $(C)
lint-proof: # the checks of the house find what they are there for
	@tests/lint/proof
lint-floors:
	@tests/lint/floors
	@tests/lint/picture
lint-house:
	@tests/lint/house

format: ## put the C code in shape
	@clang-format -i $(C)

floors: ## draw the house in CONTRIBUTING.md anew
	@tests/lint/picture --draw

.PHONY: floors lint $(LINTS:%=lint-%) format
