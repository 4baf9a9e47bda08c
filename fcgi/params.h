/*
 * The FastCGI parameters we read, found in one pass.
 */
#ifndef SLUICE_PARAMS_H
#define SLUICE_PARAMS_H

/* In the order of their names. */
enum param {
    PARAM_CONTENT_LENGTH,
    PARAM_CONTENT_TYPE,
    PARAM_ACCESS_CONTROL_REQUEST_HEADERS,
    PARAM_API_KEY,
    PARAM_AUTHORIZATION,
    PARAM_FORWARDED,
    PARAM_HOST,
    PARAM_ORIGIN,
    PARAM_SEC_FETCH_SITE,
    PARAM_SEC_WEBSOCKET_KEY,
    PARAM_UPGRADE,
    PARAM_USER_AGENT,
    PARAM_X_API_KEY,
    PARAM_X_FORWARDED_FOR,
    PARAM_X_SLUICE_CLIENT,
    PARAM_X_SLUICE_DEADLINE,
    PARAM_X_SLUICE_PRIORITY,
    PARAM_X_STAINLESS_READ_TIMEOUT,
    PARAM_X_STAINLESS_RETRY_COUNT,
    PARAM_X_STAINLESS_RUNTIME,
    PARAM_X_STAINLESS_TIMEOUT,
    PARAM_REMOTE_ADDR,
    PARAM_REQUEST_METHOD,
    PARAM_REQUEST_URI,
    PARAM_COUNT,
};

struct fault;

/* Values point into the parameters; NULL: not there, or empty. */
struct params {
    const char *value[PARAM_COUNT];
};

/* Reads ENVP ("NAME=value", NULL at the end); what is wrong with it (bounds,
 * names that occur twice, control characters) is noted in FAULT. */
void params_read(struct params *p, char *const *envp, struct fault *fault);

#endif
