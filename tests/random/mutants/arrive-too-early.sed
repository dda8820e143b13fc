# operators/differential/key_history.c: what is imported counts as of the times it once had
s/    if (!nd_time_less_equal(&one->arrival, time))/    if (false)/
s/        place->time = nd_time_join(time, &one->arrival);/        place->time = one->arrival;/
