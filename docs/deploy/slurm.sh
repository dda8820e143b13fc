#!/bin/bash
# A batch script for Slurm: sbatch slurm.sh PROGRAM ARGS, one process a machine, with as many workers as it has cores.
# ~/secret was made once by `nereid keygen ~/secret`; home directories are shared, and nobody else may read it.
#SBATCH --job-name=nereid
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=01:00:00

set -u
export NEREID_SECRET=${NEREID_SECRET:-$HOME/secret}
export NEREID_WORKERS=${SLURM_CPUS_PER_TASK:-1}
tasks=(--cpus-per-task="$NEREID_WORKERS")    # newer releases do not hand it on to srun

# What would stop the run, before it begins; all tasks, or one might be in another's way.
srun "${tasks[@]}" --label nereid doctor || exit

exec srun "${tasks[@]}" --label --kill-on-bad-exit=1 "$@"
