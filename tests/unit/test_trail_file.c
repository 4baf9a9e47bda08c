/* Mirrors state/stats/trail_file.c and history_trails.c. */
#include "lab.h"
static const struct unit_test tests[] = {{NULL, NULL}};
CU_ErrorCode test_trail_file_add(void)
{
    return unit_add("trail file", tests);
}
