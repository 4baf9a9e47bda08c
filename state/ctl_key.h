/*
 * sluicectl key: keys for clients.
 */
#ifndef SLUICE_CTL_KEY_H
#define SLUICE_CTL_KEY_H

#define CTL_KEY_USAGE 2 /* an exit status, as of any wrong usage */

/* ARGV is what follows "key": "new" and a name.  Returns an exit status. */
int ctl_key(int argc, char *const *argv);

#endif
