# Sluice, with lighttpd in front, in one container.
#
#   docker build -t sluice .
#   docker run --rm --stop-timeout 35 -p 127.0.0.1:8080:8080 -e SLUICE_ANONYMOUS=private -e NVIDIA_API_KEY \
#       --read-only --tmpfs /run/sluice:uid=10001,mode=0700 --cap-drop ALL --security-opt no-new-privileges sluice
#
# compose.yaml does the same with limits and a volume.  SIGTERM drains, for
# drain_s (30); an engine left to itself kills after 10.  Podman makes the tmpfs
# ours by U, not by uid=10001, and keeps the HEALTHCHECK with --format docker only.
#
# The image is on no base: it has our programs, lighttpd, their libraries, the
# authorities and the licences, and no shell (packaging/image says what and why).
# sluicectl starts the rest, asks for its health, and is what `docker exec` runs:
#
#   docker exec sluice sluicectl top

FROM debian:trixie-slim AS build
WORKDIR /src
# What it is built with and of is a layer of its own: a change of ours leaves it.
COPY Makefile ./
COPY packaging/deps.mk packaging/package.mk packaging/
RUN apt-get update && apt-get install -y --no-install-recommends make lighttpd ca-certificates && make build-deps
COPY . .
RUN make -j2 install CFLAGS=-g0 PREFIX=/usr DESTDIR=/image && \
    strip /image/usr/lib/sluice/sluice.fcgi /image/usr/bin/sluicectl && \
    rm -rf /image/usr/share/doc /image/usr/share/man /image/usr/lib/systemd \
        /image/usr/lib/sysusers.d /image/usr/lib/tmpfiles.d /image/etc/sluice/sluice.env && \
    install -D -m 644 LICENSE /image/usr/share/doc/sluice/copyright && \
    install -D -m 644 -t /image/usr/share/sluice/conf conf/lighttpd-loopback.conf && \
    # the workers' log goes to the container's, not to a file on a tmpfs
    sed '/^server.errorlog/d' lighttpd.conf >/image/usr/share/sluice/lighttpd.conf && \
    packaging/image /image

FROM scratch
COPY --from=build /image/ /

LABEL org.opencontainers.image.title="Sluice" \
    org.opencontainers.image.description="A rate-limiting sidecar for the NVIDIA NIM API" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT"

# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
ENV PATH=/usr/bin:/usr/sbin SLUICE_LISTEN=0.0.0.0:8080 SLUICE_CONFIG=/etc/sluice/sluice.json \
    SLUICE_STATE_DIR=/run/sluice SLUICE_DATA_DIR=/var/lib/sluice
VOLUME /var/lib/sluice
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["/usr/bin/sluicectl", "health"]
CMD ["/usr/bin/sluicectl", "serve"]
