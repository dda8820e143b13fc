# operators/differential/join.c: what has been accepted is read off the trace
s/nd_trace_views(other->index->trace, &other->accepted, &one->met)/nd_trace_views(other->index->trace, nd_trace_upper(other->index->trace), \&one->met)/
