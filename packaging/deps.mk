# deps.mk - which Debian packages what needs, and how they get there.
#
# Included by the Makefile.  Each *-deps target installs what is missing of its
# list if it may (root), and says which if not.  On another system it does
# nothing: the compiler will say what it misses.

BUILD_DEPS = gcc libc6-dev pkgconf libfcgi-dev libcurl4-openssl-dev libssl-dev libjson-c-dev libhiredis-dev
DEPS = $(BUILD_DEPS) libcunit1-dev libmicrohttpd-dev libgnutls28-dev lighttpd \
  lighttpd-mod-openssl ca-certificates curl jq openssl procps python3 $(STORE_SERVER)
# What the tests share a limit by: Debian 13 has Valkey.
STORE_SERVER := $(if $(filter 12.%,$(shell cat /etc/debian_version 2>/dev/null)),redis-server,valkey-server)
BROWSER_DEPS = python3 chromium chromium-driver fonts-noto-cjk
SERVERS_DEPS = apache2 libapache2-mod-fcgid nginx-light perl-base systemd
HOSTS_DEPS = iproute2 iptables perl-base
LINT_DEPS = clang clang-tidy clang-format cppcheck codespell shellcheck
DEB_DEPS = $(BUILD_DEPS) dpkg-dev lintian
MONITORING_DEPS = prometheus
PEERS_DEPS = wrk nginx-light perl-base python3-venv

# Installs lighttpd without its service, which would take port 80; Prometheus and
# the store's server too.
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
for p in lighttpd prometheus apache2 nginx redis-server valkey-server; do case "$$need " in *" $$p "* | *" $$p-light "*) \
    systemctl disable --quiet $$p 2>/dev/null || : ;; esac; done
endef

deps: ## install the Debian packages it needs (root), or say which
	$(call ensure,$(DEPS))

browser-deps: deps ## Chromium and its driver, for test-browser
	$(call ensure,$(BROWSER_DEPS))

servers-deps: deps ## the web servers of `make test-servers`
	$(call ensure,$(SERVERS_DEPS))

hosts-deps: deps ## what `make test-hosts` makes networks with, and parts them
	$(call ensure,$(HOSTS_DEPS))

peers-deps: deps ## what `make bench-peers` measures with, and nginx
	$(call ensure,$(PEERS_DEPS))

lint-deps: deps
	$(call ensure,$(LINT_DEPS))

monitoring-deps: deps
	$(call ensure,$(MONITORING_DEPS))

build-deps: # for the programs alone: the Dockerfile
	$(call ensure,$(BUILD_DEPS))

deb-deps:
	$(call ensure,$(DEB_DEPS))

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

.PHONY: deps browser-deps servers-deps hosts-deps peers-deps lint-deps monitoring-deps build-deps deb-deps fuzz-deps fuzz-packages
