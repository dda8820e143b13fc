# operators/differential/reduce.c: pending times are dropped
s/    return keep_pending(self, &result, &now->left);/    (void)keep_pending;\n    return ND_OK;/
