# SPDX-License-Identifier: Apache-2.0
# rpsd: one Makefile for everything, not recursive but for the two newcomer's targets, `demo` and
# `check`, which first install what is missing and then start make afresh to find it.
#
#   make              build/rpsd and build/rpsctl
#   make demo         a run against a server of our own, from nothing
#   make check        unit and system tests: a line as each ends, those that failed with their output
#                     at the end, then "N passed, N failed"; `make unit`, `make system`: one kind
#   make lint         layers, circles, format, manuals
#   make fuzz              parsers under libFuzzer, RUNS=1000000 executions or MINUTES=10 of each;
#                          fuzz-NAME: one of them
#   make coverage-http1    the lines of the response parser that its tests execute
#   make check-servers     against Apache httpd, haproxy and Python's http.server
#   make check-varlink     the control protocol before other people's clients
#   make check-soak        the service for MINUTES=15 under several users: memory, threads, descriptors
#   make check-faults      what fails: allocations, system calls, descriptors, memory, disk
#   make check-floods      what floods of the control socket do to others and to the load, as root
#   make check-interop     histogram logs before other people's readers
#   make check-boot        the installed service in a booted system, as root
#   make honesty           known servers: the truth, and what rpsd, or TOOL=wrk, says of it
#   make install      honours DESTDIR, prefix, sysconfdir, unitdir
#   SANITIZE=address,undefined | thread    a variant, in build/$(SANITIZE)/
#   V=1               show the commands;  DEVELOPER=1  more warnings, as errors

VERSION := 0.1.0

prefix ?= /usr/local
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
docdir ?= $(prefix)/share/doc/rpsd

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

B := build$(if $(SANITIZE),/$(SANITIZE))

# ---------------------------------------------------------------- packages

DEPS_BUILD := gcc libc6-dev make pkg-config libinih-dev libjansson-dev libssl-dev zlib1g-dev \
	libsystemd-dev
DEPS_CHECK := check nginx-light jq perl curl procps python3-minimal openssl
DEPS_LINT := clang-format git mandoc
DEPS := $(DEPS_BUILD) $(DEPS_CHECK) $(DEPS_LINT)

# ---------------------------------------------------------------- compiler

PKGS := inih jansson libssl libcrypto zlib
PKGS_OK := $(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes)
HAVE_SYSTEMD := $(shell pkg-config --exists libsystemd 2>/dev/null && echo yes)
PKG_CFLAGS := $(if $(PKGS_OK),$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS := $(if $(PKGS_OK),$(shell pkg-config --libs $(PKGS)))
SYSTEMD_LIBS := $(if $(HAVE_SYSTEMD),$(shell pkg-config --libs libsystemd))

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wpointer-arith -Wwrite-strings $(if $(DEVELOPER),-Werror -Wundef -Wcast-align)
# What Debian's hardening=+all asks for. Users' CFLAGS come later and win. _FORTIFY_SOURCE wants
# optimisation, hides accesses from sanitizers, and may be in CFLAGS already.
HARDENING := -fPIE -fstack-protector-strong -Werror=format-security \
	$(if $(SANITIZE)$(findstring FORTIFY_SOURCE,$(CFLAGS))$(filter -O0,$(CFLAGS)),,$(if \
	$(filter -O%,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
HARDENING_LD := -pie -Wl,-z,relro -Wl,-z,now
BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -DRPSD_VERSION='"$(VERSION)"' \
	-DRPSD_SYSCONFDIR='"$(sysconfdir)"' -DRPSD_SBINDIR='"$(sbindir)"' \
	$(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD=1) -pthread -fno-strict-aliasing $(WARNINGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALL_CFLAGS = $(BASE_CFLAGS) $(HARDENING) $(PKG_CFLAGS) $(CFLAGS)
# What objects were compiled with: another prefix, sanitizer or flag makes them anew.
CONFIG := $(CC) $(BASE_CFLAGS) $(HARDENING) $(PKG_CFLAGS) $(CFLAGS)
ifneq ($(file <$(B)/config),$(CONFIG))
$(shell mkdir -p $(B))$(file >$(B)/config,$(CONFIG))
endif
ALL_LDFLAGS = -pthread $(HARDENING_LD) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
LIBS := $(PKG_LIBS) $(SYSTEMD_LIBS) -lm

# ---------------------------------------------------------------- the layers, top to bottom

LAYERS := daemon/service daemon/origin daemon/runs daemon/engine daemon/http daemon/loop common
layer_sources = $(filter-out %/main.c,$(wildcard $(1)/*.c $(1)/*/*.c))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
archive = $(B)/lib/$(subst /,_,$(1)).a

RPSD_ARCHIVES := $(foreach l,$(LAYERS),$(call archive,$(l)))
CTL_ARCHIVES := $(call archive,ctl) $(call archive,common)

all: $(B)/rpsd $(B)/rpsctl

RPSD_MAIN := $(call objects,$(wildcard daemon/main*.c))

$(B)/rpsd: $(RPSD_MAIN) $(RPSD_ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(RPSD_MAIN) $(RPSD_ARCHIVES) $(LIBS)

$(B)/rpsctl: $(B)/obj/ctl/main.o $(CTL_ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(B)/obj/ctl/main.o $(CTL_ARCHIVES) $(LIBS)

# What the archives are made of: a file that has gone makes them anew.
MEMBERS := $(strip $(foreach l,$(LAYERS) ctl,$(call objects,$(call layer_sources,$(l)))))
ifneq ($(file <$(B)/members),$(MEMBERS))
$(shell mkdir -p $(B))$(file >$(B)/members,$(MEMBERS))
endif

define archive_rule
$$(call archive,$(1)): $$(call objects,$$(call layer_sources,$(1))) $(2) $(B)/members
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(filter-out common,$(LAYERS)) ctl,$(eval $(call archive_rule,$(l),)))
$(eval $(call archive_rule,common,$(B)/obj/common/rpsd_varlink.o))

$(B)/obj/%.o: %.c $(B)/config | pkgs-present
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The interface text, as a C string that both programs can hold.
$(B)/gen/rpsd_varlink.c: common/control/rpsd.varlink
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q){ echo '#include "common/control/varlink.h"'; echo 'const char varlink_interface_text[] ='; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } > $@

$(B)/obj/common/rpsd_varlink.o: $(B)/gen/rpsd_varlink.c $(B)/config | pkgs-present
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

pkgs-present:
ifneq ($(PKGS_OK),yes)
	@echo "make: a library is missing ($(PKGS)); 'make deps' installs what rpsd needs" >&2; exit 1
endif

# ---------------------------------------------------------------- unit tests

UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SOURCES))
CHECK_LIBS = $(shell pkg-config --libs check)

# A test sees its own layer and those below it; ctl sees common only. Engine, runs and service have a server
# to talk to.
MINI_SERVER := $(addprefix $(B)/obj/tests/support/,mini_server.o mini_tls.o hostile.o \
	hostile_script.o)
define unit_rule
$$(B)/tests/$(1)/%: $$(B)/obj/tests/unit/$(1)/%.o $(2)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(CHECK_LIBS) $$(LIBS)
endef
$(eval $(call unit_rule,common,$(call archive,common)))
$(eval $(call unit_rule,ctl,$(CTL_ARCHIVES)))
below = $(if $(filter $(1),$(firstword $(2))),$(2),$(call below,$(1),$(wordlist 2,99,$(2))))
$(foreach l,loop http engine runs origin service,$(eval $(call unit_rule,$(l),\
	$(if $(filter engine runs service,$(l)),$(MINI_SERVER)) \
	$(foreach a,$(call below,daemon/$(l),$(LAYERS)),$(call archive,$(a))))))

# These run on the virtual clock of tests/support/skip_clock.h, which takes the place of these calls.
SKIP_CLOCK_TESTS := $(addprefix $(B)/tests/,loop/test_skip_clock engine/test_worker \
	engine/test_worker_steer runs/test_run runs/test_run_steering)
SKIP_CLOCK_CALLS := clock_now_ns clock_unix_ns timerfd_create timerfd_settime close epoll_wait poll \
	__poll_chk recv accept4 $(addprefix pthread_,create join cond_wait cond_clockwait cond_signal cond_broadcast)
$(SKIP_CLOCK_TESTS): $(B)/obj/tests/support/skip_clock.o
$(SKIP_CLOCK_TESTS): ALL_LDFLAGS += $(addprefix -Xlinker --wrap=,$(SKIP_CLOCK_CALLS))

# The programs that wait longest come first, beside scripts, which start many processes; the short
# programs then fill the time until the last of all ends.
SYSTEM_TESTS := $(wildcard tests/system/test_*.sh)
LONG_TESTS := $(addprefix $(B)/tests/,service/test_caps runs/test_run engine/test_worker)
run_tests = $(Q)tests/support/run_tests.sh $(B)

unit: $(UNIT_TESTS)
	$(run_tests) $(UNIT_TESTS)

# The same hostile server for tests that are scripts.
HOSTILE := $(B)/tests/support/hostile
$(HOSTILE): $(B)/obj/tests/support/hostile_main.o $(MINI_SERVER) $(call archive,common)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Lets allocations of a program fail; has no sanitizer itself.
FAIL_ALLOC := $(B)/tests/support/fail_alloc.so
$(FAIL_ALLOC): tests/support/fail_alloc.c $(B)/config
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize=%,$(BASE_CFLAGS)) -O2 -fPIC -shared -o $@ $<

programs-of-tests: $(UNIT_TESTS) $(HOSTILE) $(FAIL_ALLOC)

system: all $(HOSTILE) $(FAIL_ALLOC)
	$(run_tests) $(SYSTEM_TESTS)

check-run: all programs-of-tests
	$(run_tests) $(LONG_TESTS) $(SYSTEM_TESTS) $(filter-out $(LONG_TESTS),$(UNIT_TESTS))

# ---------------------------------------------------------------- benchmark

# rpsd beside others on this machine, in about seven minutes, printed and written to
# tests/bench/RESULTS.md. A tool that is not installed has a row that says so; `make deps-bench`
# installs them all. ROUNDS=2 SECONDS=1 is a short try.
DEPS_BENCH := wrk nghttp2-client hey apache2-utils python3 python3-aiohttp strace
BENCH_PROGRAMS := $(B)/bench/null_server $(B)/bench/floor
ROUNDS ?= 7
SECONDS ?= 2

$(B)/bench/%: $(B)/obj/tests/bench/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench/null_server: $(B)/obj/tests/bench/null_tls.o

bench: all $(BENCH_PROGRAMS)
	$(Q)python3 tests/bench/bench.py --build $(B) --rounds $(ROUNDS) --seconds $(SECONDS)

deps-bench:
	$(Q)$(call install_missing,$(DEPS_BENCH))

.PHONY: bench deps-bench

# ---------------------------------------------------------------- honesty

# Servers whose truth is known, and what rpsd says of them, in about five minutes; or what another
# tool says, by its adapter in tests/honesty/adapters: TOOL=wrk, hey, h2load or ab (`make
# deps-bench`). ONLY=stall,hang runs these alone, WRITE=1 writes tests/honesty/RESULTS.md. As root all
# of it runs.
TOOL ?= rpsd
HONESTY_PROGRAMS := $(B)/honesty/clock_step.so $(B)/honesty/coverage $(B)/bench/null_server \
	$(addprefix $(B)/tests/,common/test_steadiness engine/test_schedule \
	engine/test_schedule_stages) $(filter $(B)/tests/common/test_audit%,$(UNIT_TESTS))

$(B)/honesty/clock_step.so: tests/honesty/clock_step.c $(B)/config
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize=%,$(BASE_CFLAGS)) -O2 -fPIC -shared -o $@ $<

$(B)/honesty/coverage: $(B)/obj/tests/honesty/coverage.o $(call archive,common)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

honesty: all $(HONESTY_PROGRAMS)
	$(Q)python3 tests/honesty/honesty.py --build $(B) --tool $(TOOL) $(if $(ONLY),--only $(ONLY)) \
		$(if $(WRITE),--write)

.PHONY: honesty

# ---------------------------------------------------------------- faults

# Allocations and system calls that fail, few descriptors, little address space, a full disk: what
# rpsd and rpsctl do then, in about an hour, printed and written to tests/FAULTS.md. As root all
# of it runs; strace is from `make deps-faults`. FAULTS="--libs 60 alloc" is a short try.
DEPS_FAULTS := python3 strace
FAULTS ?= --write

check-faults: all $(FAIL_ALLOC)
	$(Q)python3 tests/faults/faults.py --build $(B) $(FAULTS)

deps-faults:
	$(Q)$(call install_missing,$(DEPS_FAULTS))

.PHONY: check-faults deps-faults

# ---------------------------------------------------------------- floods

# The control socket under ten floods of one user, beside a run and another user's calls; as root, on
# a machine that is quiet otherwise, in about three minutes. FLOODS="--seconds 3 report" is a short try.
DEPS_FLOODS := python3 util-linux

check-floods: all
	$(Q)python3 tests/floods/floods.py --build $(B) $(FLOODS)

deps-floods:
	$(Q)$(call install_missing,$(DEPS_FLOODS))

.PHONY: check-floods deps-floods

# ---------------------------------------------------------------- a soak

# The service for MINUTES under clients of every role, and what it holds at rest in between; the
# criterion stands at the head of the script. It is a variant of its own, for its runs.d is not the
# system's. As root the roles are different users.
DEPS_SOAK := python3
SOAK_B := build/soak

check-soak:
	$(Q)$(MAKE) --no-print-directory B=$(SOAK_B) sysconfdir=$(CURDIR)/$(SOAK_B)/etc all
	$(Q)python3 tests/soak/soak.py --build $(SOAK_B) --minutes $(or $(MINUTES),15)

deps-soak:
	$(Q)$(call install_missing,$(DEPS_SOAK))

.PHONY: check-soak deps-soak

# ---------------------------------------------------------------- other people's servers

# Each is started by its test, with a folder of its own, and both sides count. nginx is one of the
# system tests; these want packages of their own (`make deps-servers`; Debian's haproxy brings a
# service, which is started with nothing to listen on).
DEPS_SERVERS := apache2-bin haproxy python3

check-servers: all
	$(run_tests) $(wildcard tests/system/servers_*.sh)

deps-servers:
	$(Q)$(call install_missing,$(DEPS_SERVERS))

.PHONY: check-servers deps-servers

# What reading a response costs, with the vectorised scan and without it.
HTTP1_SOURCES := $(wildcard daemon/http/http1*.c)
HTTP1_BENCH := $(B)/bench/http1 $(B)/bench/http1_portable

$(HTTP1_BENCH): tests/bench/http1.c $(HTTP1_SOURCES) $(wildcard daemon/http/http1*.h) $(B)/config
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(filter %_portable,$@),-DHTTP1_SCAN_PORTABLE) $(ALL_LDFLAGS) \
		-o $@ $(filter %.c,$^)

bench-http1: $(HTTP1_BENCH)
	$(Q)for program in $^; do $$program || exit 1; done

.PHONY: bench-http1

# ---------------------------------------------------------------- fuzzing

# Each target is tests/fuzz/fuzz_NAME.c over NAME_property.h, and sees the layer named here and those
# below it. It starts from the corpus in the tree, tests/fuzz/corpus/NAME, which `make check` feeds to
# the same property; what it adds and what it finds goes to $(FUZZ_B). Programs are those of a
# variant of the whole, so that further targets cost little. `make deps-fuzz` installs the compiler.
DEPS_FUZZ := clang
FUZZ_TARGETS := http1:daemon/http origin_request:daemon/origin varlink:common control:daemon/service plan:common \
	settings:common hdr:common result:ctl
FUZZ_FLAGS_http1 := -max_len=700
# Each document is rendered and merged several times.
FUZZ_FLAGS_result := -max_len=16384 -max_total_time=600
FUZZ_CC ?= clang
FUZZ_SANITIZE := fuzzer-no-link,address,undefined
FUZZ_B := build/fuzz
RUNS ?= 1000000
# MINUTES bounds the time of each target instead, and wins over a target's own bound.
FUZZ_BOUND = $(if $(MINUTES),-runs=-1 -max_total_time=$$((60 * $(MINUTES))),-runs=$(RUNS))

define fuzz_rule
$$(B)/fuzz_$(1): $$(B)/obj/tests/fuzz/fuzz_$(1).o \
		$$(foreach l,$(if $(filter ctl,$(2)),ctl common,$(call below,$(2),$(LAYERS))),\
		$$(call archive,$$(l)))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(LIBS)

fuzz: fuzz-$(1)
.PHONY: fuzz-$(1)
fuzz-$(1):
	$$(Q)$$(MAKE) --no-print-directory CC='$$(FUZZ_CC)' CFLAGS='-O1 -g' SANITIZE=$$(FUZZ_SANITIZE) \
		build/$$(FUZZ_SANITIZE)/fuzz_$(1)
	$$(Q)mkdir -p $$(FUZZ_B)/corpus/$(1)
	$$(Q)build/$$(FUZZ_SANITIZE)/fuzz_$(1) $$(FUZZ_FLAGS_$(1)) $$(FUZZ_BOUND) \
		$$(addprefix -dict=,$$(wildcard tests/fuzz/$(1).dict)) -timeout=20 \
		-artifact_prefix=$$(FUZZ_B)/$(1)- -print_final_stats=1 \
		$$(FUZZ_B)/corpus/$(1) tests/fuzz/corpus/$(1)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(firstword $(subst :, ,$(t))),$(lastword $(subst :, ,$(t))))))

deps-fuzz:
	$(Q)$(call install_missing,$(DEPS_FUZZ))

.PHONY: fuzz deps-fuzz

# ---------------------------------------------------------------- line coverage

# Built apart, without optimisation; says so where a line of the parser is not executed.
COVERAGE_B := build/coverage
COVERAGE_HTTP1 := $(basename $(HTTP1_SOURCES)) \
	$(addprefix tests/unit/http/,test_http1 test_http1_limits)

coverage-http1:
	$(Q)rm -rf $(COVERAGE_B)/http1 && mkdir -p $(COVERAGE_B)/http1
	$(Q)cd $(COVERAGE_B)/http1 && for source in $(COVERAGE_HTTP1); do \
		$(CC) $(BASE_CFLAGS) -I$(CURDIR) -O0 -g --coverage -c \
			-o $$(basename $$source).o $(CURDIR)/$$source.c || exit 1; done
	$(Q)cd $(COVERAGE_B)/http1 && for test in test_http1 test_http1_limits; do \
		$(CC) --coverage -pthread -o $$test http1*.o $$test.o $(CHECK_LIBS) && \
		./$$test || exit 1; done
	$(Q)cd $(COVERAGE_B)/http1 && gcov *.gcda | \
		awk -f $(CURDIR)/tests/support/coverage.awk -v want=daemon/http/http1

.PHONY: coverage-http1

# ---------------------------------------------------------------- other people's Varlink

# The control protocol before clients that others have written: the certification client of the Go
# implementation (`make deps-varlink`), and varlinkctl where there is mmdebstrap.
DEPS_VARLINK := golang-go golang-github-varlink-go-dev

$(B)/tests/support/varlink_cert: $(B)/obj/tests/support/varlink_cert.o $(RPSD_ARCHIVES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

check-varlink: all $(B)/tests/support/varlink_cert
	$(Q)RPSD_BUILD=$(abspath $(B)) tests/support/check-varlink-cert.sh
	$(Q)RPSD_BUILD=$(abspath $(B)) tests/support/check-varlinkctl.sh

deps-varlink:
	$(Q)$(call install_missing,$(DEPS_VARLINK))

.PHONY: check-varlink deps-varlink

# ---------------------------------------------------------------- other people's readers

# Our histogram logs before the readers of Java and JavaScript (`make deps-interop`); npm is used
# here alone, and installs into the build folder.
DEPS_INTEROP := jq procps default-jdk-headless libhdrhistogram-java nodejs npm

$(B)/interop/figures: $(B)/obj/tests/interop/figures.o $(call archive,common)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

check-interop: all $(B)/interop/figures
	$(Q)RPSD_BUILD=$(abspath $(B)) tests/interop/run.sh

# What is there already, packaged or not, is not installed a second time.
deps-interop:
	$(Q)$(call install_missing,$(filter-out $(if $(shell command -v npm),nodejs npm) \
		$(if $(shell command -v javac),default-jdk-headless),$(DEPS_INTEROP)))

.PHONY: check-interop deps-interop

# ---------------------------------------------------------------- the units, booted

# `make deps-boot` installs what it takes; as root, in about 15 seconds.
DEPS_BOOT := systemd-container

check-boot: all
	$(Q)rm -rf '$(abspath $(B))/installed'
	$(Q)$(MAKE) --no-print-directory install DESTDIR='$(abspath $(B))/installed' >/dev/null
	$(Q)tests/boot/run.sh '$(abspath $(B))/installed'

deps-boot:
	$(Q)$(call install_missing,$(DEPS_BOOT))

.PHONY: check-boot deps-boot

# ---------------------------------------------------------------- for newcomers

# As many compilers at once as there are CPUs, where nobody has said how many.
parallel = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))

check: deps
	$(Q)$(MAKE) --no-print-directory $(parallel) all programs-of-tests
	$(Q)$(MAKE) --no-print-directory check-run

demo: deps-build
	$(Q)$(MAKE) --no-print-directory $(parallel) all
	$(Q)conf/demo.sh $(B)

# Installs the packages that are missing, with apt-get as root or by sudo. Where that cannot be, says
# who can do what, and stops.
install_missing = \
	missing=$$(dpkg-query -W -f '$${db:Status-Status} $${Package}\n' $(1) 2>/dev/null | \
		awk '$$1 == "installed" { have[$$2] = 1 } \
		END { n = split("$(1)", want, " "); \
		for (i = 1; i <= n; i++) if (!have[want[i]]) printf " %s", want[i] }'); \
	test -z "$$missing" && exit 0; \
	stop() { printf 'make: %s\n' "$$@" >&2; exit 1; }; \
	command -v apt-get >/dev/null || stop "there is no apt-get here; rpsd needs the like of these \
	Debian packages: $(1)" "with them installed: make all, make check-run"; \
	sudo=; \
	if [ "$$(id -u)" != 0 ]; then \
		command -v sudo >/dev/null || stop "packages are missing, and installing them needs root or sudo" \
			"as root: apt-get install$$missing"; \
		sudo=sudo; \
	fi; \
	echo "installing:$$missing"; \
	install="$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends$$missing"; \
	$$install >/dev/null 2>&1 || { $$sudo apt-get update -qq && $$install >/dev/null; } || \
		stop "cannot install packages" "as root: apt-get install$$missing"

deps-build:
	$(Q)$(call install_missing,$(DEPS_BUILD))

deps:
	$(Q)$(call install_missing,$(DEPS))

# ---------------------------------------------------------------- lint

lint:
	$(Q)tests/support/layers.sh
	$(Q)tests/support/format.sh

lint: lint-circles
lint-circles: all
	$(Q)tests/support/circles.sh $(B)

.PHONY: lint-circles

# ---------------------------------------------------------------- manuals

# What the programs know of themselves is not written twice: a line @list NAME@ of a manual's source
# becomes the list of that name, printed by a program of the build from the tables of keys, commands
# and flags.
MAN_SOURCES := daemon/rpsd.8.in ctl/rpsctl.1.in conf/rpsd.conf.5.in conf/rpsd-run.5.in \
	conf/rpsd-result.5.in
MANUALS := $(addprefix $(B)/man/,$(basename $(notdir $(MAN_SOURCES))))
MAN_LISTS := $(addprefix keys-,run daemon rules) $(addprefix rpsctl-,commands flags ledger errors) \
	$(addprefix result-,members csv)
MAN_LIST_FILES := $(addprefix $(B)/gen/man/,$(MAN_LISTS))
man_insert = -e '/^@list $(1)@$$/{' -e 'r $(B)/gen/man/$(1)' -e 'd' -e '}'
fill_in = sed -e 's|@bindir@|$(bindir)|g; s|@sbindir@|$(sbindir)|g' \
	-e 's|@sysconfdir@|$(sysconfdir)|g; s|@version@|$(VERSION)|g'

all: $(MANUALS)

$(B)/keys_man: $(call objects,conf/keys_man.c conf/roff.c) $(call archive,common)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/rpsctl_man: $(call objects,conf/rpsctl_man.c conf/roff.c) $(CTL_ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/result_man: $(call objects,conf/result_man.c conf/roff.c) $(call archive,common)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/gen/man/result-%: $(B)/result_man
	$(Q)mkdir -p $(@D) && $< $* >$@

$(B)/gen/man/keys-%: $(B)/keys_man
	$(Q)mkdir -p $(@D) && $< $* >$@

$(B)/gen/man/rpsctl-%: $(B)/rpsctl_man
	$(Q)mkdir -p $(@D) && $< $* >$@

# $(1): the source. The Makefile is one too: it names version and directories.
define manual_rule
$(B)/man/$(basename $(notdir $(1))): $(1) $(MAN_LIST_FILES) Makefile
	$$(call say,MAN,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(fill_in) $$(foreach l,$(MAN_LISTS),$$(call man_insert,$$(l))) $$< >$$@
endef
$(foreach m,$(MAN_SOURCES),$(eval $(call manual_rule,$(m))))

lint: lint-manuals
lint-manuals: $(MANUALS)
	$(Q)tests/support/manuals.sh $(MANUALS)

.PHONY: lint-manuals

# ---------------------------------------------------------------- install

mandir ?= $(prefix)/share/man
completionsdir ?= $(prefix)/share/bash-completion/completions

DOCS := $(wildcard README.md NEWS.md ARCHITECTURE.md SECURITY.md LICENSE) common/control/rpsd.varlink
UNITS := rpsd.service rpsd.socket rpsd-observe.socket
man_file = $(mandir)/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))
# What the administrator may have changed is never overwritten.
install_config = test -e '$(2)' || install -m 644 '$(1)' '$(2)'

install: all
	$(Q)install -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(unitdir)' \
		'$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(docdir)' \
		'$(DESTDIR)$(sysconfdir)/rpsd/runs.d' '$(DESTDIR)$(sysconfdir)/rpsd/rpsd.conf.d'
	$(Q)install -m 755 $(B)/rpsctl '$(DESTDIR)$(bindir)/rpsctl'
	$(Q)install -m 755 $(B)/rpsd '$(DESTDIR)$(sbindir)/rpsd'
	$(Q)$(foreach u,$(UNITS),$(fill_in) systemd/$(u) >'$(DESTDIR)$(unitdir)/$(u)' && \
		chmod 644 '$(DESTDIR)$(unitdir)/$(u)' && )true
	$(Q)install -m 644 systemd/rpsd.sysusers '$(DESTDIR)$(sysusersdir)/rpsd.conf'
	$(Q)$(foreach c,$(wildcard conf/rpsd.conf),\
		$(call install_config,$(c),$(DESTDIR)$(sysconfdir)/rpsd/$(notdir $(c))) && )true
	$(Q)$(foreach c,$(wildcard conf/runs/*.ini),\
		$(call install_config,$(c),$(DESTDIR)$(sysconfdir)/rpsd/runs.d/$(notdir $(c))) && )true
	$(Q)install -m 644 $(DOCS) '$(DESTDIR)$(docdir)'
	$(Q)$(foreach m,$(MANUALS),install -D -m 644 $(m) '$(DESTDIR)$(call man_file,$(m))' && )true
	$(Q)install -d '$(DESTDIR)$(completionsdir)' && \
		$(B)/rpsctl completion bash >'$(DESTDIR)$(completionsdir)/rpsctl' && \
		chmod 644 '$(DESTDIR)$(completionsdir)/rpsctl'
	@echo "installed; then: systemd-sysusers && systemctl daemon-reload &&" \
		"systemctl enable --now rpsd.socket"

# The configuration, the state and the users stay.
uninstall:
	rm -f '$(DESTDIR)$(bindir)/rpsctl' '$(DESTDIR)$(sbindir)/rpsd' \
		$(foreach u,$(UNITS),'$(DESTDIR)$(unitdir)/$(u)') \
		'$(DESTDIR)$(sysusersdir)/rpsd.conf' \
		$(foreach d,$(DOCS),'$(DESTDIR)$(docdir)/$(notdir $(d))') \
		$(foreach m,$(MANUALS),'$(DESTDIR)$(call man_file,$(m))') \
		'$(DESTDIR)$(completionsdir)/rpsctl'
	-rmdir '$(DESTDIR)$(docdir)'

clean:
	rm -rf build

.PHONY: all demo check check-run programs-of-tests unit system lint deps deps-build install \
	uninstall clean pkgs-present
.SECONDARY:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
