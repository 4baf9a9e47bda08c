/*
 * The life of a request, as libmicrohttpd calls it.
 */
#ifndef NIMSIM_EXCHANGE_H
#define NIMSIM_EXCHANGE_H

#include <microhttpd.h>

/* CLS is the struct sim in all of them. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn);
enum MHD_Result exchange_step(void *cls, struct MHD_Connection *conn,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_len, void **req);
void exchange_end(void *cls, struct MHD_Connection *conn, void **req,
                  enum MHD_RequestTerminationCode how);
void exchange_connection(void *cls, struct MHD_Connection *conn, void **mark,
                         enum MHD_ConnectionNotificationCode what);

#endif
