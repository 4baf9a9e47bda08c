/*
 * Answers that are proper HTTP, through libmicrohttpd.
 */
#ifndef NIMSIM_REPLY_H
#define NIMSIM_REPLY_H

#include <microhttpd.h>

struct request;
struct text;

/* A plain answer outside the practice API.  Takes BODY's bytes. */
enum MHD_Result reply_plain(struct MHD_Connection *conn, int status,
                            const char *type, struct text *body);

/* The body in R->out, whole or as the model's name wants it broken. */
enum MHD_Result reply_buffered(struct request *r);

/* The events of R->sse. */
enum MHD_Result reply_stream(struct request *r);

/* "00000000-0000-4000-8000-..." from the arrival's number: 36 bytes + NUL. */
void reply_reqid(const struct request *r, char id[37]);

#endif
