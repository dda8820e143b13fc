# operators/differential/iterate.c: a variable's start comes again in the second round
s/if (variable->has_start)/if (variable->has_start \&\& variable->n_rounds == 0)/
