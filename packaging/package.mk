# package.mk - what `make install`, `make uninstall` and `make deb` do.
#
# Included by the Makefile.  Units and documents name /usr and /etc; with
# another PREFIX or SYSCONFDIR they are rewritten on their way.

SYSCONFDIR  = /etc
LIBDIR      = $(PREFIX)/lib/sluice
WWWDIR      = $(PREFIX)/share/sluice/www
DOCDIR      = $(PREFIX)/share/doc/sluice
MANDIR      = $(PREFIX)/share/man
UNITDIR     = $(PREFIX)/lib/systemd/system
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d

UNITS    := $(wildcard conf/systemd/*.socket conf/systemd/*.service conf/systemd/*.target conf/systemd/*.slice)
MANS     := $(wildcard conf/man/*.[1-8])
EXAMPLES := $(wildcard conf/lighttpd conf/apache conf/nginx conf/prometheus conf/grafana)
DOCS     := $(wildcard README.md README.zh-CN.md SECURITY.md BENCHMARKS.md)
WWW      := $(shell find www/dashboard www/errors -type f 2>/dev/null)

# source > destination below DESTDIR, one a word: install makes the list come
# true, uninstall undoes it.
PLACES = \
  $(BUILD)/sluice.fcgi>$(LIBDIR)/sluice.fcgi \
  $(BUILD)/sluicectl>$(PREFIX)/bin/sluicectl \
  $(foreach f,$(WWW),$(f)>$(WWWDIR)/$(f:www/%=%)) \
  $(foreach f,$(UNITS),$(f)>$(UNITDIR)/$(notdir $(f))) \
  conf/systemd/no-key.conf>$(DOCDIR)/examples/systemd/no-key.conf \
  conf/sysusers/sluice.conf>$(SYSUSERSDIR)/sluice.conf \
  conf/tmpfiles/sluice.conf>$(TMPFILESDIR)/sluice.conf \
  $(foreach f,$(MANS),$(f)>$(MANDIR)/man$(patsubst .%,%,$(suffix $(f)))/$(notdir $(f))) \
  $(foreach f,$(DOCS),$(f)>$(DOCDIR)/$(f)) \
  conf/README.md>$(DOCDIR)/conf.md \
  conf/clients.md>$(DOCDIR)/clients.md \
  fcgi/API.md>$(DOCDIR)/API.md \
  $(foreach f,$(shell find /dev/null $(EXAMPLES) -type f),$(f)>$(DOCDIR)/examples/$(f:conf/%=%))
# The administrator's: made where there is none, never overwritten.
SETTINGS = conf/sluice.json packaging/sluice.env
REWRITE  = -e 's,/usr/lib/sluice,$(LIBDIR),g' -e 's,/usr/share/sluice/www,$(WWWDIR),g' \
  -e 's,/usr/share/doc/sluice,$(DOCDIR),g' -e 's,/usr/bin/sluicectl,$(PREFIX)/bin/sluicectl,g' \
  -e 's,/etc/sluice,$(SYSCONFDIR)/sluice,g'

# In the tree these documents lie in three folders, here in one.
RELINK   = -e 's,](README\.md\#,](conf.md\#,g' -e 's,](\(\.\./\)*README\.md),](README.md),g' \
  -e 's,](\(\.\./\)*conf/README\.md,](conf.md,g' -e 's,](\(\.\./\)*conf/clients\.md,](clients.md,g' \
  -e 's,](\(\.\./\)*fcgi/API\.md,](API.md,g' \
  -e 's,](\(\.\./\)*BENCHMARKS\.md,](BENCHMARKS.md,g' -e 's,](sluice\.json),]($(SYSCONFDIR)/sluice/sluice.json),g'

install: $(BUILD)/sluice.fcgi $(BUILD)/sluicectl ## DESTDIR=, PREFIX=/usr/local, SYSCONFDIR=/etc
	@for p in $(foreach p,$(PLACES),'$(p)'); do from=$${p%%>*} to="$(DESTDIR)$${p#*>}"; \
	    case $$from in \
	    $(BUILD)/*) install -D -m 755 "$$from" "$$to" ;; \
	    conf/systemd/* | conf/man/* | conf/lighttpd/* | conf/apache/* | conf/nginx/*) \
	        install -D -m 644 "$$from" "$$to" && sed -i $(REWRITE) "$$to" ;; \
	    *.md) install -D -m 644 "$$from" "$$to" && sed -i $(RELINK) "$$to" ;; \
	    *) install -D -m 644 "$$from" "$$to" ;; \
	    esac || exit 1; done
	@for f in $(SETTINGS); do to="$(DESTDIR)$(SYSCONFDIR)/sluice/$${f##*/}"; \
	    [ -e "$$to" ] || { install -D -m 644 "$$f" "$$to" && sed -i $(REWRITE) "$$to"; } || exit 1; done

# What an administrator changed stays, and so do the user and the data.
uninstall: ## undo install; changed settings, the user and /var/lib/sluice stay
	@for p in $(foreach p,$(PLACES),'$(p)'); do rm -f "$(DESTDIR)$${p#*>}"; done
	@for f in $(SETTINGS); do to="$(DESTDIR)$(SYSCONFDIR)/sluice/$${f##*/}"; \
	    ! sed $(REWRITE) "$$f" | cmp -s - "$$to" || rm -f "$$to"; done
	@for d in "$(LIBDIR)" "$(PREFIX)/share/sluice" "$(DOCDIR)" "$(SYSCONFDIR)/sluice"; do \
	    [ ! -d "$(DESTDIR)$$d" ] || find "$(DESTDIR)$$d" -depth -type d -empty -delete; done

deb: ## a Debian package in build/, checked with lintian (make deb-deps)
	@+MAKE='$(MAKE)' packaging/deb $(VERSION)

.PHONY: install uninstall deb
