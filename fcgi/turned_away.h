/*
 * What is somebody told whom auth.c does not let in?
 */
#ifndef SLUICE_TURNED_AWAY_H
#define SLUICE_TURNED_AWAY_H

struct client_key;
struct config;
struct request;

/* R asks by a host name that is none of ours: 403. */
void turned_away_host(struct request *r);
/* R is asked by a page that may not: 403. */
void turned_away_page(struct request *r);
/* R presents a key that nobody has, or, KNOWN, one whose time is over: 401. */
void turned_away_key(struct request *r, const struct client_key *known);
/* R comes without one from where none may: 401. */
void turned_away_client(const struct config *cfg, struct request *r);
/* R wants to look, from where one may not without a token: 401. */
void turned_away_reader(const struct config *cfg, struct request *r);

#endif
