/*
 * store_piece.c - how is the store that several hosts share told, to people and
 * to Prometheus?
 */
#include "fcgi/pages/store_piece.h"

#include <inttypes.h>

#include "fcgi/config/fields.h"
#include "fcgi/config/store_url.h"
#include "fcgi/pages/exposition.h"
#include "fcgi/pages/pieces.h"
#include "lib/buf.h"
#include "state/policy/lay_store.h"
#include "state/view.h"

static const char *const states[] = {[STORE_UNUSED] = "unused",
                                     [STORE_UP] = "up",
                                     [STORE_LOST] = "lost",
                                     [STORE_ALONE] = "alone"};

static void put_host(struct buf *b, const struct view_host *h)
{
    buf_str(b, "{\"name\":");
    buf_json(b, h->name);
    buf_fmt(b, ",\"here\":%s,", h->self ? "true" : "false");
    piece_seconds(b, "age_s", h->age_ns);
    buf_fmt(b, ",\"rtt_us\":%" PRId64 ",\"waiting\":%u,\"leases\":%u}",
            h->rtt_ns / 1000, h->waiting, h->leases);
}

/* sluicectl reads the state without any settings: then there are none to tell. */
static void put_settings(struct buf *b, const struct config *cfg)
{
    struct buf url = {0};

    if (cfg == NULL || cfg->shared_url == NULL)
        return;
    store_url_show(&url, cfg->shared_url); /* without its password */
    buf_str(b, ",\"url\":");
    buf_json(b, url.data);
    buf_free(&url);
    buf_str(b, ",\"account\":");
    buf_json(b, cfg->shared_account);
    buf_fmt(b, ",\"on_loss\":\"%s\"",
            cfg->shared_on_loss == LOSS_SHARE ? "share" : "closed");
}

void piece_store(struct buf *b, const struct limiter_view *v,
                 const struct config *cfg)
{
    const struct view_store *s = &v->store;
    uint32_t i;

    if (s->state == STORE_UNUSED) {
        buf_str(b, "null");
        return;
    }
    buf_fmt(b, "{\"state\":\"%s\"", states[s->state]);
    put_settings(b, cfg);
    buf_str(b, ",");
    piece_seconds(b, "lost_s", s->state == STORE_UP ? -1 : s->age_ns);
    buf_str(b, ",");
    piece_seconds(b, "full_s", s->full_ns);
    buf_str(b, ",");
    piece_seconds(b, "answered_s", s->answered_ns);
    buf_fmt(b, ",\"rtt_us\":%" PRId64, s->rtt_ns / 1000);
    if (s->leader_pid > 0)
        buf_fmt(b, ",\"leader_pid\":%u", s->leader_pid);
    else
        buf_str(b, ",\"leader_pid\":null");
    buf_fmt(b,
            ",\"host_count\":%u,\"leases\":%u,\"leases_unused\":%u,"
            "\"hosts\":[",
            s->hosts, s->held + s->taken, s->held);
    for (i = 0; i < s->n_told; i++) {
        buf_str(b, i > 0 ? "," : "");
        put_host(b, &s->told[i]);
    }
    buf_str(b, "]}");
}

/* No labels of hosts: their names are as many as machines ever were. */
void store_metrics(struct exposition *p, const struct view_store *s)
{
    const struct exposition_labels none = {NULL, NULL, NULL, NULL};

    if (s->state == STORE_UNUSED)
        return;
    exposition_begin(p, "sluice_store_up", "gauge",
                     "1 while the shared store answers this host.");
    exposition_count(p, &none, s->state == STORE_UP);
    exposition_begin(p, "sluice_store_alone", "gauge",
                     "1 while this host goes on with its part of the limits.");
    exposition_count(p, &none, s->state == STORE_ALONE);
    exposition_begin(p, "sluice_store_hosts", "gauge",
                     "Hosts that shared the store at its last answer.");
    exposition_count(p, &none, s->hosts);
    exposition_begin(p, "sluice_store_round_trip_seconds", "gauge",
                     "How long the last call of the store took.");
    exposition_real(p, &none, (double)s->rtt_ns / 1e9);
    exposition_begin(p, "sluice_store_full_seconds", "gauge",
                     "For so long all windows count as full, because the store "
                     "has lost what was sent.");
    exposition_real(p, &none, (double)s->full_ns / 1e9);
    exposition_begin(p, "sluice_store_leases", "gauge",
                     "Slots that the store has lent to this host.");
    exposition_count(
        p, &(struct exposition_labels){"state", "unused", NULL, NULL}, s->held);
    exposition_count(p,
                     &(struct exposition_labels){"state", "in_use", NULL, NULL},
                     s->taken);
}
