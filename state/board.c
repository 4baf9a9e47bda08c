/*
 * board.c - what does everybody see?
 */
#include "board.h"

void board_rebuild(struct lay_board *b, int64_t now)
{
    (void)b;
    (void)now;
}
