#!/bin/sh
# Extracts photographs with an array of Slurm tasks, each a part of them, into one cache that all nodes see. The options
# are those of `pool5 extract`; the part is the task's (SLURM_ARRAY_TASK_ID):
#
#   sbatch --array=1-16 deploy/slurm.sh --images /shared/photos --features /shared/features
#
# Submit it from the folder of a built pool5 that all nodes see. What a task has written is safe at any moment: one that
# was killed, preempted or ran out of time goes on from there, requeued or submitted again (the whole array may be).
#
# Change to your cluster: the array (at most 256 tasks, without gaps), and these. A photograph costs 31 GFLOP, so CPUs
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
