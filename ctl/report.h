/*
 * One file for who looks into a fault.
 */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H

#include <stdio.h>

struct ctl;
struct disguise;

/* sluicectl report: into a new file PATH, or one with a name of the moment with
 * NULL; "-" is the standard output. */
int report_run(struct ctl *c, const char *path);

/* report_facts.c: what is known without asking a worker. */
void report_versions(FILE *to);
void report_machine(FILE *to, const char *state_dir);
/* The last lines of the file PATH that tell of trouble. */
void report_log(struct disguise *d, FILE *to, const char *path);

#endif
