# operators/differential/reduce.c: pending times are kept, but not held
/static nd_err keep_pending(/,/^}/s/ND_TRY(nd_antichain_insert(left, &result->pending\[i\]));/(void)left;/
