/*
 * The web server and its workers, in the foreground.
 */
#ifndef SLUICE_SERVE_H
#define SLUICE_SERVE_H

struct ctl;

/* sluicectl serve: returns when it was told to stop (0), or something died (1).
 */
int serve_run(struct ctl *c);
/* sluicectl health: 0 if PATH, of /health or /health/ready, gives 200 where
 * SLUICE_LISTEN says. */
int serve_health(const char *path);

/* serve_env.c: what the environment says of proxies and authorities becomes
 * settings of the first upstream, where those say nothing of their own; and what
 * the workers do not need goes.  -1: it cannot be, which was said. */
int serve_environment(struct ctl *c);

#endif
