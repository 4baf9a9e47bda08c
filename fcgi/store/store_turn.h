/* The script that the store runs: turn.lua, as a text. */
#ifndef SLUICE_STORE_TURN_H
#define SLUICE_STORE_TURN_H

extern const char store_turn_lua[];

#endif
