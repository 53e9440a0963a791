# millrace: how it is built and proved. `make help` lists the targets.
#
# BUILD=dir       where everything goes (default build); sanitizer builds go below it
# ONLY="a b"      compile only src/a and src/b and their unit tests; of bench: run only these rows
# T=substring     run only the tests whose name holds it
# WERROR=         a build with warnings that do not stop it (for compilers we do not test with)

BUILD  ?= build
PREFIX ?= /usr/local
DEPS   := build/deps
SAN    ?=
OPT    ?= -O2
WERROR ?= -Werror
T      ?=
SEED   ?=
SECONDS ?= 60
RUN    ?=
# The benchmarks' ONLY names rows, not folders.
ifneq (,$(filter bench bench-record history,$(MAKECMDGOALS)))
BENCH_ONLY := $(ONLY)
override ONLY :=
endif
ifeq ($(origin CC),default)
CC := gcc
endif
AR     ?= ar
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null || uname -m)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Wmissing-prototypes \
        -Wstrict-prototypes -Wvla -Wformat=2 $(WERROR)
CPPFLAGS := -D_GNU_SOURCE -Isrc -Itests -I$(BUILD)/gen -isystem $(DEPS)/include
CFLAGS  ?= $(OPT) -g -fno-omit-frame-pointer
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARN) -fno-strict-aliasing -pthread \
             $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LDFLAGS ?=
ALL_LDFLAGS = -pthread -rdynamic $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
# The loader asks the libraries for each symbol in this order, so those come first that have most of
# them: half of a command's start was such searching. (C++'s is named for that only: snappy needs it.)
LIBS ?= -Wl,--push-state,--no-as-needed -lcrypto -l:libstdc++.so.6 -lpg_query -lsqlite3 -lc -Wl,--pop-state \
        -lprotobuf-c -lsnappy -lrdkafka -lyaml -lzstd -llz4 -lz -lpcre2-8 -lsodium -lssl -lm -lpthread -ldl

# Sources. A folder is added by making it; nothing is listed by hand.
find_c = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
SRC  := $(call find_c,$(if $(ONLY),$(addprefix src/,$(ONLY)),src))
UNIT_SRC := $(call find_c,$(if $(ONLY),$(addprefix tests/unit/,$(ONLY)),tests/unit))
SIM_SRC  := $(call find_c,tests/sim)
SQL_SRC  := $(wildcard tests/sql/*.c)
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
ifeq (,$(findstring x86_64,$(MACHINE)))
SRC := $(filter-out %_avx2.c,$(SRC))
endif
ifeq (,$(findstring aarch64,$(MACHINE)))
SRC := $(filter-out %_neon.c,$(SRC))
endif
MAIN := $(filter src/cli/main.c,$(SRC))
objs  = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ := $(call objs,$(filter-out src/cli/main.c,$(SRC)))
LIB  := $(BUILD)/libmillrace.a
# The tests of folders without a driver of their own use this runner.
RUNNER := $(call objs,tests/runner.c)
SELF = $(MAKE) --no-print-directory

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: help all debug asan tsan ubsan test unit sql tidy format format-check fuzz replay soak \
        bench bench-record history install demo clean sim unity neon FORCE

all: $(if $(MAIN),$(BUILD)/millrace,$(LIB)) ## Build build/millrace (-O2, asserts on); the default

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

debug: ## Build build/debug/millrace (-O0, slow asserts too)
	+@$(SELF) BUILD=$(BUILD)/debug OPT='-O0 -DMR_DEBUG' all

# ---- compiling -------------------------------------------------------------------------------

# Files that hold a fact of this build and change only with it: what depends on the fact is rebuilt.
keep = @mkdir -p $(@D); new=$@.$$$$; printf '%s\n' $(1) > $$new; \
       if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi
VERSION := $(or $(patsubst v%,%,$(shell git describe --tags --match 'v*' 2>/dev/null)),$(shell cat VERSION))
$(BUILD)/flags: FORCE
	$(call keep,'$(CC) $(CPPFLAGS) $(ALL_CFLAGS)')
$(BUILD)/members: FORCE
	$(call keep,$(LIB_OBJ))
$(BUILD)/gen/version.h: FORCE
	$(call keep,'#pragma once' '#define MR_VERSION "$(VERSION)"')

$(BUILD)/obj/%_avx2.o: EXTRA = -mavx2 -mpclmul -mbmi -mbmi2
$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(BUILD)/gen/version.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@

# Its templates are taken in by the assembler.
$(BUILD)/obj/src/cli/template.o: $(shell find src/cli/templates -type f)

$(LIB): $(LIB_OBJ) $(BUILD)/members
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

link = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(1) $(LIBS)
$(BUILD)/millrace: $(call objs,$(MAIN)) $(LIB)
	$(call link,$^)
$(BUILD)/unit: $(call objs,$(UNIT_SRC)) $(RUNNER) $(LIB)
	$(call link,$^)
$(BUILD)/simtest: $(call objs,$(SIM_SRC)) $(RUNNER) $(LIB)
	$(call link,$^)
$(BUILD)/sqltest: $(call objs,$(SQL_SRC)) $(LIB)
	$(call link,$^)
$(BUILD)/replay-%: $(BUILD)/obj/tests/fuzz/%.o $(call objs,tests/replay.c) $(LIB)
	$(call link,$^)
$(BUILD)/fuzz-%: $(BUILD)/obj/tests/fuzz/%.o $(LIB)
	$(call link,$^ -fsanitize=fuzzer)
$(BUILD)/diff-%: $(BUILD)/obj/tests/diff/%.o $(LIB)
	$(call link,$^)
$(BUILD)/tidy: $(call objs,tools/tidy.c tools/tidy_source.c)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
include bench/micro/rules.mk tests/diff/rules.mk

# ---- proving ---------------------------------------------------------------------------------

test: ## Everything: tidy, unit, sanitizers, SQL, simulator, end to end (sets up what it needs)
	@scripts/setup
	@scripts/setup test
	@MAKE='$(MAKE)' BUILD='$(BUILD)' T='$(T)' tests/run

# All that the proofs run, so that they may run side by side: none of them compiles then.
.PHONY: proofs
proofs: all $(BUILD)/unit $(BUILD)/tidy $(if $(SQL_SRC),$(BUILD)/sqltest) $(if $(SIM_SRC),$(BUILD)/simtest) \
        $(foreach f,$(FUZZ),$(BUILD)/replay-$(f)) $(DIFF_PROGRAMS)
	+@$(SELF) asan tsan neon WHAT=build

# Every target below ends with a line `N passed, N failed`, which tests/run adds up.
unit: $(BUILD)/unit ## Unit tests, plain build
	@$(RUN) $(BUILD)/unit $(if $(T),T=$(T))

sql: $(if $(SQL_SRC),$(BUILD)/sqltest) ## The SQL corpus of tests/sql
	@$(if $(SQL_SRC),$(RUN) $(BUILD)/sqltest tests/sql $(if $(T),T=$(T)),echo 'no tests/sql yet')

sim: $(if $(SIM_SRC),$(BUILD)/simtest) ## Simulator: faults from a seed (SEED=n repeats one)
	@$(if $(SIM_SRC),SEED=$(SEED) $(BUILD)/simtest $(if $(T),T=$(T)),echo 'no tests/sim yet')

comma := ,
# A sanitizer's shadow wants fixed addresses, which newer kernels give only when asked.
FIXED = $(shell setarch -R true 2>/dev/null && echo setarch -R)
# WHAT=build: only what is run is made.
san_programs = $(BUILD)/$@/unit $(if $(SQL_SRC),$(BUILD)/$@/sqltest)
san_run = +@$(SELF) BUILD=$(BUILD)/$@ OPT='-O1' SAN=$(1) RUN='$(FIXED)' \
    $(if $(findstring build,$(WHAT)),$(san_programs),unit $(if $(SQL_SRC),sql))
asan: export ASAN_OPTIONS := detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0
asan: export LSAN_OPTIONS := suppressions=tests/lsan.supp:print_suppressions=0
asan: ## Unit and SQL tests under AddressSanitizer and UBSan
	$(call san_run,address$(comma)undefined)
ubsan: ## Unit and SQL tests under UBSan alone
	$(call san_run,undefined)
# Its search for lock cycles holds 64 locks at the most; a fork with DuckDB loaded takes more.
tsan: export TSAN_OPTIONS := ignore_noninstrumented_modules=1:detect_deadlocks=0:halt_on_error=1:second_deadlock_stack=1:suppressions=tests/tsan.supp
tsan: ## Unit and SQL tests under ThreadSanitizer
	$(call san_run,thread)

tidy: $(BUILD)/tidy ## Check layers, names, sizes, banned calls and READMEs
	@$(BUILD)/tidy --objects $(BUILD)/obj

FORMATTED = $(shell find src tests tools -name '*.[ch]' -not -path 'tests/tidy/*')
format: ## Format every source file with clang-format
	clang-format -i $(FORMATTED)
format-check: ## Say which source files clang-format would change
	@clang-format --dry-run -Werror $(FORMATTED)

fuzz: ## Coverage-guided fuzzing with clang: T=target SECONDS=60
	+@$(SELF) BUILD=$(BUILD)/fuzz CC=clang OPT=-O1 SAN=address,undefined,fuzzer-no-link \
	    T='$(T)' SECONDS='$(SECONDS)' fuzz-run
.PHONY: fuzz-run
fuzz-run: $(foreach f,$(FUZZ),$(if $(findstring -$(T),-$(f)),$(BUILD)/fuzz-$(f)))
	@for p in $^; do n=$${p##*/fuzz-}; mkdir -p $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n; \
	    echo "fuzz: $$n, $(SECONDS) s"; $$p -max_total_time=$(SECONDS) -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/corpus/ $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done

replay: $(foreach f,$(FUZZ),$(BUILD)/replay-$(f)) ## Run the fuzz targets over their kept corpus
	@p=0; f=0; for x in $^; do n=$${x##*/replay-}; if $$x tests/fuzz/corpus/$$n; \
	    then p=$$((p+1)); else f=$$((f+1)); fi; done; echo "$$p passed, $$f failed"; [ $$f = 0 ]

# The vector code for the other processor, run under qemu: only what needs no other library links.
NEON_TESTS ?= $(wildcard tests/unit/base/*.c tests/unit/codec/json*.c)
neon: ## Unit tests of base and JSON for aarch64, under qemu-user
	+@$(SELF) BUILD=$(BUILD)/neon CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar ONLY='base plat column codec' \
	    CFLAGS='-O2 -g -idirafter /usr/include' LIBS='-lm' UNIT_SRC='$(NEON_TESTS)' $(BUILD)/neon/unit
	@$(if $(findstring build,$(WHAT)),true,) qemu-aarch64 -L /usr/aarch64-linux-gnu $(BUILD)/neon/unit $(if $(T),T=$(T))

unity: $(BUILD)/gen/version.h ## Build the program as one translation unit (finds clashing names)
	@mkdir -p $(BUILD)/unity
	@printf '#include "%s"\n' $(patsubst src/%,%,$(filter-out %_avx2.c %_neon.c,$(SRC))) > $(BUILD)/unity/all.c
	+@$(SELF) $(call objs,$(filter %_avx2.c %_neon.c,$(SRC)))
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $(BUILD)/unity/millrace $(BUILD)/unity/all.c \
	    $(call objs,$(filter %_avx2.c %_neon.c,$(SRC))) $(LIBS)

soak: all ## The long tests: kills, client matrices, long fuzzing
	@scripts/setup soak
	@scripts/setup bench
	@BUILD='$(BUILD)' tests/soak/run

bench: all $(BUILD)/bench-parquet ## All that is promised, measured and judged (ONLY="row row" QUICK=1)
	@scripts/setup test
	@scripts/setup bench
	@BUILD='$(BUILD)' bench/run $(if $(BENCH_ONLY),--only '$(BENCH_ONLY)') $(if $(QUICK),--quick)

history: all $(BUILD)/bench-parquet ## Instruction counts against bench/history.jsonl (a minute, exact)
	@BUILD='$(BUILD)' python3 bench/history.py

bench-record: all $(BUILD)/bench-parquet ## The same, and append them to bench/history.jsonl
	@BUILD='$(BUILD)' python3 bench/history.py --record

demo: ## Generate retail events, run the pipeline, show the result (sets up what it needs)
	@scripts/setup
	+@$(SELF) all
	@BUILD='$(BUILD)' scripts/demo

# ---- the rest --------------------------------------------------------------------------------

install: $(BUILD)/millrace ## Install below PREFIX (default /usr/local)
	install -D -m 755 $(BUILD)/millrace $(DESTDIR)$(PREFIX)/bin/millrace
	install -D -m 644 $(DEPS)/lib/libduckdb.so $(DESTDIR)$(PREFIX)/lib/millrace/libduckdb.so
	install -D -m 644 src/port/millrace_udf.h $(DESTDIR)$(PREFIX)/include/millrace_udf.h

clean: ## Remove what was built, keep what setup fetched
	find $(BUILD) -mindepth 1 -maxdepth 1 -not -name deps -exec rm -rf {} +
