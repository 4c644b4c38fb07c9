#!/bin/sh
# Extracts photographs with an array of Slurm tasks, each a part of them, into one cache that all nodes see. The options
# are those of `pool5 extract`; the part is the task's (SLURM_ARRAY_TASK_ID):
#
#   sbatch --array=1-16 deploy/slurm.sh --images /shared/photos --features /shared/features
#
# Submit it from the folder of a built pool5 that all nodes see. What a task has written is safe at any moment: one that
# was killed, preempted or ran out of time goes on from there, requeued (scontrol requeue JOB_3) or with the whole array
# submitted again. Of an array of single tasks none knows how many there were: submit task 3 of 1-16 again with
#
#   sbatch --array=3 deploy/slurm.sh --shard 3/16 --images /shared/photos --features /shared/features
#
# Change to your cluster: the array (2 to 256 tasks from 0 or 1, without gaps), and these. Powers of two divide the
# photographs evenly: parts are of 256 pieces, so that 100 tasks get 2 or 3 each. A photograph costs 31 GFLOP, so CPUs
# set the pace. pool5 takes every CPU that Slurm binds the task to (task/affinity or task/cgroup must be on).
#SBATCH --job-name=pool5
#SBATCH --array=1-4
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=pool5-%A_%a.log
set -eu
exec node "$SLURM_SUBMIT_DIR/dist/stages/cli.js" extract "$@"
