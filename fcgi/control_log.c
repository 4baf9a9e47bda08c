/*
 * control_log.c - what does the log tell of an operator's order?
 */
#include "fcgi/control_log.h"

#include <stddef.h>

#include "lib/log.h"

void control_log(struct log *log, const char *remote, const char *id,
                 const char *action, const char *key, const char *value)
{
    struct log_line l;

    log_begin(&l, log, LOG_INFO_, "control");
    log_str(&l, "action", action);
    log_str(&l, "remote", remote);
    log_str(&l, "token", "admin");
    log_str(&l, "request_id", id);
    if (key != NULL)
        log_str(&l, key, value);
    log_end(&l);
}
