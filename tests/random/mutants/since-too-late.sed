# operators/differential/index.c: readers let traces be compacted up to an epoch later
s/nd_time time = nd_antichain_items(frontier)\[i\];/&\n        time.epoch++;/
