# operators/differential/trace_spine.c: batches are merged that a reader has yet to take
s/if (a->merge || b->merge || !is_through(b->first.view.batch, &holds->accepted))/if (a->merge || b->merge || !holds)/
