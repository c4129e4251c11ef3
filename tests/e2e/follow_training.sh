#!/usr/bin/env bash
# report --follow beside a real training: it grows, nothing of it changes, and it ends with the training stopped.
. "$(dirname "$0")/common"
command -v python3 > /dev/null || { echo "skipped: no python3"; exit 77; }
make_data
timeout 600 python3 "$SOURCE/tests/pages/follow_training.py" "$SCORECL" run "$SCORECL" run "$tiny" --out run --device reference -o data.format=npy \
    -o "data.path=$work/data.npy" -o stages.train.steps=1000000 -o stages.train.optimizer.schedule=constant -o stages.train.log_every=1 -o log.samples_every=7 -o log.samples=2
# The weights are those of a training that nobody looked at.
step=$(sed 's/.*step-0*\([0-9]*\).*/\1/' <<< "$(readlink "$(latest run)")")
train plain --device reference -o "stages.train.steps=$step" -o stages.train.optimizer.schedule=constant
same plain run
echo "step $step: the bits of a training that nobody followed"
