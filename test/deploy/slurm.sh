#!/bin/bash
# make test-slurm: deploy/slurm.sh on a real Slurm cluster of this machine alone (Debian's slurm-wlm and munge, as root).
# An array of 4 extracts into one folder, one task is killed with kill -9 and requeued, and the cache must hold what one
# plain run computes. Everything lies in a temporary folder, and nothing is left running.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
  echo "test-slurm: $*" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail 'Expected root, to start a Slurm cluster. Run it in a container or with sudo.'
missing=
for program in munged slurmctld slurmd sbatch; do # command -v of all four succeeds where there is one
  command -v "$program" > /dev/null || missing=$program
done
if [ -n "$missing" ]; then
  command -v apt-get > /dev/null || fail 'Expected Slurm and munge, or apt-get to install them.'
  echo 'Installing slurm-wlm and munge.'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
fi

work=$(mktemp -d /tmp/pool5-slurm.XXXXXX)
export SLURM_CONF=$work/slurm.conf
job=
daemons=()
finish() {
  local code=$?
  trap - EXIT
  [ "$code" = 0 ] || tail -n 20 "$work"/*.log >&2 || true
  if [ -n "$job" ]; then
    scancel "$job" 2> /dev/null || true
    await 20 ended 2> /dev/null || true
  fi
  for pid in "${daemons[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# await SECONDS COMMAND...: until the command succeeds
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# --- The cluster. Its node claims 16 CPUs, so that four tasks of 4 run at once on fewer.
read -r ctld_port slurmd_port < <(node -e '
  const servers = [0, 1].map(() => require("net").createServer().listen(0));
  setTimeout(() => (console.log(...servers.map((s) => s.address().port)), process.exit()), 50);')
host=$(hostname -s)
cat > "$SLURM_CONF" << CONF
ClusterName=pool5
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
MailProg=/bin/true
KillWait=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=16384
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
CONF
mkdir "$work/state" "$work/spool"
(umask 077 && head -c 1024 /dev/urandom > "$work/munge.key")
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munge.pid" \
  --log-file="$work/munge-own.log" --seed-file="$work/munge.seed" &> "$work/munged.log" &
daemons=($!)
await 10 test -S "$work/munge.socket" || fail 'munged did not start.'
slurmctld -D &> "$work/slurmctld.log" &
daemons=($! "${daemons[@]}")
slurmd -D &> "$work/slurmd.log" &
daemons=($! "${daemons[@]}")
idle() { [ "$(sinfo -h -o %T 2> /dev/null)" = idle ]; }
await 30 idle || fail 'The node did not become idle.'
echo "Cluster: $(sinfo --version), $(sinfo -h -o 'node %n of %c CPUs (claimed), %T'); $(nproc) real ones"

# --- An array of 4, of which task 4 (it has the most to do) is killed once it has written something, and requeued.
pool5() { node dist/stages/cli.js "$@"; }
field() { node -p "JSON.parse(fs.readFileSync(0, 'utf8')).$1"; }
photos=$work/photos
shared=$work/features
pool5 sample --out "$photos" --count 40 --seed 1
left() { pool5 extract --images "$photos" --features "$shared" --shard 4/4 --plan --json --quiet | field pending; }
all=$(left)
job=$(sbatch --parsable --array=1-4 --output="$work/task-%a.log" \
  deploy/slurm.sh --images "$photos" --features "$shared" --engine onnx --shard-rows 2)
echo "Submitted deploy/slurm.sh as job $job, tasks 1 to 4; task 4 has $all photographs."
ended() { [ -z "$(squeue -h -j "$job" -o %i 2> /dev/null)" ]; }
begun() { [ "$(left)" -lt "$all" ]; }
await 60 begun || fail 'Task 4 wrote nothing in a minute.'
id=$(squeue -h -j "${job}_4" -o %A)
[ -n "$id" ] || fail 'Task 4 ended before it could be killed.'
mapfile -t pids < <(scontrol listpids "$id" | awk 'NR > 1 && $1 > 0 { print $1 }')
ps -o pid=,args= -p "${pids[*]}"
kill -9 "${pids[@]}"
stopped() { [ "$(squeue -h -j "${job}_4" -t RUNNING,COMPLETING -o %i 2> /dev/null)" = '' ]; }
await 30 stopped || fail 'Task 4 survived kill -9.'
rest=$(left)
[ "$rest" -gt 0 ] || fail 'Task 4 had computed everything before it could be killed.'
echo "Killed task 4 with $rest of $all left: $(scontrol show job "${job}_4" | grep -oE 'JobState=\S+|ExitCode=\S+' | xargs)"
scontrol requeue "${job}_4"
scontrol update JobId="${job}_4" StartTime=now # Slurm would wait two minutes
await 300 ended || fail 'The array did not end in 5 minutes.'
states=$(scontrol -o show job "$job" | sed -E 's/.*ArrayTaskId=([0-9]+).*JobState=(\S+).*Restarts=([0-9]+).*/task \1: \2, restarts \3/' | sort)
echo "$states"
[ "$states" = "$(printf 'task %s, restarts %s\n' '1: COMPLETED' 0 '2: COMPLETED' 0 '3: COMPLETED' 0 '4: COMPLETED' 1)" ] ||
  fail 'Expected four completed tasks and one restart.'
for task in 1 2 3 4; do sed "s/^/  task $task: /" "$work/task-$task.log"; done
grep -q "^Computed $rest features (part 4/4, from SLURM_ARRAY_TASK_ID)" "$work/task-4.log" ||
  fail "Expected task 4 to go on with the $rest photographs that were left."

# --- The same as one plain run? So few photographs let no run measure which graph is faster: both take the same.
pool5 extract --images "$photos" --features "$work/plain" --engine onnx --quiet
described() { pool5 inspect --features "$1" --verify --json | field 'contentDigest'; }
array=$(described "$shared")
plain=$(described "$work/plain")
echo "Array: $array"
echo "Plain: $plain"
[ -n "$array" ] && [ "$array" = "$plain" ] || fail 'The caches differ.'
echo 'The same content, bit for bit.'
