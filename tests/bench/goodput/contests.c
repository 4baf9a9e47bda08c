/* contests.c - who is compared with whom? */
#include "policy.h"
#include "row.h"

const struct contest contests[ROW_KINDS] = {
    [ROW_ONE] = {&policy_oracle,
                 {&policy_sluice, &policy_sluice_model, &policy_cubic,
                  &policy_aimd, &policy_backoff},
                 5},
    [ROW_CHOICE] = {&policy_oracle,
                    {&policy_sluice, &policy_in_turn, &policy_first_fit},
                    3},
    [ROW_TOKENS] = {&policy_oracle_tokens,
                    {&policy_sluice, &policy_sluice_unsettled,
                     &policy_sluice_blind},
                    3},
};
