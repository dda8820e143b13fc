# operators/differential/reduce_input.c: pending times are kept, but not held
/^nd_err nd_reduce_input_pend(/,/^}/s/return nd_antichain_insert(&input->left, time);/return ND_OK;/
