/*
 * A model that plays an agent: it reads a file, changes it, and then speaks.
 */
#ifndef NIMSIM_AGENT_H
#define NIMSIM_AGENT_H

#include <stdint.h>

struct agent_tools;
struct json_object;
struct text;

/* Of the file's name: longer ones are none. */
#define AGENT_PATH_MAX 200

enum agent_step {
    AGENT_SPEAK = 0, /* words, as from any other model */
    AGENT_READ,
    AGENT_EDIT,
};

struct agent {
    enum agent_step step;
    const struct agent_tools *tools; /* NULL only while it speaks */
    char path[AGENT_PATH_MAX + 1];
};

/* What comes next in the conversation of the chat request JSON. */
void agent_decide(struct agent *a, struct json_object *json);

/* How many tools are called at once: 0 where it speaks. */
int64_t agent_calls(const struct agent *a);

/* Which one, and with what, as JSON. */
const char *agent_tool(const struct agent *a);
void agent_arguments(const struct agent *a, struct text *out);

#endif
