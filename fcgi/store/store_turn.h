/*
 * The script that the store runs: turn.lua, as a text, for EVALSHA; and the same as a
 * library of one function, for FCALL (Redis 7, Valkey).  Its name has the text's sum in it,
 * so that hosts of another version call their own.
 */
#ifndef SLUICE_STORE_TURN_H
#define SLUICE_STORE_TURN_H

extern const char store_turn_lua[];
extern const char store_turn_library[];
extern const char store_turn_name[];

#endif
