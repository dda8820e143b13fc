# operators/differential/reduce_tactic.c: histories are stepped in the partial order
s/if (nd_time_compare(&edit->time, time) > 0)/if (!nd_time_less_equal(\&edit->time, time))/
