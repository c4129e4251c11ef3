#!/usr/bin/env bash
# The event files by TensorBoard's own reader, metrics.jsonl by pandas.  Both are installed from PyPI into the user's cache folder.
. "$(dirname "$0")/../e2e/common"

venv=${SCL_TENSORBOARD_VENV:-${HOME:-/root}/.cache/scorecl/tensorboard}
if ! "$venv/bin/python" -c "import tensorboard, pandas" 2> /dev/null; then
    python3 -m venv "$venv" > pip.log 2>&1 && "$venv/bin/pip" install -q tensorboard pandas >> pip.log 2>&1 ||
        { tail -3 pip.log; echo "SKIP: TensorBoard and pandas cannot be installed into $venv (no network?)"; exit 77; }
fi

make_data
args=("$tiny" -o data.format=npy -o "data.path=$work/data.npy" --device reference -o log.tensorboard=true --out run -o stages.train.log_every=1)
SCL_FAULT=checkpoint:2 "$SCORECL" run "${args[@]}" > killed.log 2>&1 && fail "it was not killed"
"$SCORECL" run "${args[@]}" --resume > run.log 2>&1 || { cat run.log >&2; fail "--resume"; }

"$venv/bin/python" - <<'PYTHON' || fail "TensorBoard or pandas reads something else"
import json
import logging
import numpy
import pandas
from tensorboard.backend.event_processing import plugin_event_multiplexer
logging.getLogger("tensorboard").setLevel(logging.ERROR)

runs = plugin_event_multiplexer.EventMultiplexer(purge_orphaned_data=True).AddRunsFromDirectory("run").Reload()
assert sorted(runs.Runs()) == ["sample", "train"], runs.Runs()
metrics = pandas.read_json("run/train/metrics.jsonl", lines=True)
assert list(metrics["step"]) == list(range(1, 31)) and metrics["step"].dtype == "int64"
assert all(metrics[c].dtype == "float64" for c in metrics if c != "step"), metrics.dtypes
scalars = runs.PluginRunToTagToContent("scalars")["train"]
assert sorted(scalars) == sorted(set(metrics) - {"step"}), scalars
for tag in scalars:
    wanted = metrics[["step", tag]].dropna()
    events = runs.Tensors("train", tag)
    assert [e.step for e in events] == list(wanted["step"]), (tag, [e.step for e in events])
    values = [e.tensor_proto.float_val[0] for e in events]
    assert numpy.allclose(values, wanted[tag], rtol=1e-7, atol=0), tag
csv = pandas.read_csv("run/train/metrics.csv")
assert list(csv["step"]) == list(metrics["step"]) and csv["loss"].equals(metrics["loss"])
text = runs.Tensors("train", "config")[-1].tensor_proto.string_val[0].decode()
assert "text" in runs.ActivePlugins() and "tensorboard: true" in text
grid = runs.Tensors("sample", "grid")[0]
width, height, png = grid.tensor_proto.string_val
assert grid.step == 30 and png == open("run/sample/grid.png", "rb").read() and int(width) > 0 and int(height) > 0
print(f"TensorBoard {len(scalars)} scalars of {len(metrics)} steps, a text and a picture; pandas {pandas.__version__}: {metrics.shape}")
PYTHON
