/*
 * Who overtakes whom in a line where not all can go to the same upstreams?
 */
#ifndef SLUICE_LINE_RACE_H
#define SLUICE_LINE_RACE_H

struct layout;
struct line_eta;

/* Finds the ETA of each that is still open in E, as far as that costs no more
 * than a millisecond or so. */
void line_race(struct line_eta *e, struct layout *lay);

#endif
