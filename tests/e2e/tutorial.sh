#!/usr/bin/env bash
# The tutorial: every command of its pages works as printed, every config and picture that a page names is there, and the identities
# that the pages show hold within bounds that follow from the sample sizes.  Trainings are shortened, of a smaller network, and run on the
# reference device: nothing is compiled.
. "$(dirname "$0")/common"
pages=$SOURCE/docs/tutorial
cd "$SOURCE"

# Commands: lines that begin with four blanks.  `run`s are checked, `check`s are refusals (exit 2), the others are run.
grep -h '^    scorecl ' "$pages"/*.md | sed 's/^ *scorecl //' | sort -u > "$work/commands"
while read -r command config flags; do
    got=0 expected=0
    case $command in
    run) "$SCORECL" check $config $flags > "$work/said" 2>&1 || got=$? ;;
    check) "$SCORECL" check $config $flags > "$work/said" 2>&1 || got=$?; expected=2 ;;
    *) "$SCORECL" $command $config $flags > "$work/said" 2>&1 || got=$? ;;
    esac
    [ $got = $expected ] || { cat "$work/said" >&2; fail "scorecl $command $config $flags: exit code $got, not $expected"; }
done < "$work/commands"
echo "$(wc -l < "$work/commands") commands"

# A page for every step, with a command of its own, linked by the index; no config of the tutorial without a page; small pictures.
for page in "$pages"/[0-9]*.md; do
    grep -q '^    scorecl run configs/' "$page" || fail "$page: no config"
    grep -q "($(basename "$page"))" "$pages/README.md" || fail "$page is not in the index"
done
for config in configs/tutorial/*.yaml; do grep -q " $config" "$work/commands" || fail "no page runs $config"; done
cat "$pages"/*.md | grep -o '](\(\.\./\)*[^)h#][^)]*)' | tr -d '()]' | sort -u | while read -r link; do
    [ -e "$pages/$link" ] || fail "a page links $link, which is not there"
done
grep -ho 'configs/[a-z0-9_/]*\.yaml' "$pages"/*.md README.md | sort -u | while read -r config; do
    [ -e "$config" ] || fail "a page names $config, which is not there"
done
find docs/images/tutorial -name '*.png' -size +60k | grep . && fail "pictures above 60 KB"
cd "$work"

# run STEP FLAGS: the config of a step, shortened.
run() { "$SCORECL" run "$SOURCE"/configs/tutorial/"$1"_*.yaml --out "$1" --device reference -o "model.widths=[32, 32]" "${@:2}" > log 2>&1 || { cat log; fail "step $1"; }; }
only() { for stage in "${@:2}"; do run "$1" --only "$stage" --resume "${flags[@]}"; done; }

flags=()
only 02 gaussian_05 gaussian_1 gaussian_2
flags=(-o stages.train.steps=300 -o stages.esm_1500.checkpoint=step-300 -o stages.ism_1500.checkpoint=step-300)
only 03 train esm_200 ism_200 esm_1500 ism_1500 truth
flags=(-o stages.train.steps=400 -o stages.dsm_2000.checkpoint=step-400 -o stages.esm_2000.checkpoint=step-400)
only 04 train dsm_200 esm_200 dsm_2000 esm_2000 truth
flags=(-o stages.dsm.steps=800 -o stages.ssm_vr.steps=800)
only 05 dsm ssm_vr dsm_fisher ssm_vr_fisher ism_16 ssm_16 ssm_vr_16 rademacher_16 four_16
flags=(-o stages.train.steps=300)
only 10 train trained truth excess

python3 - << 'PY'
import json, math, sys
faults, POINTS = 0, 50000
def value(step, stage, name="loss"):
    v = json.load(open(f"{step}/{stage}/evaluation.json"))["values"][name]
    return v["value"], v["error"]
def check(ok, what):
    global faults
    faults += not ok
    print("pass" if ok else "FAIL", what)
def same(what, terms, expected=0.0):
    """A sum of means over the same points: 3 standard errors, as large as they add up to at most."""
    total, bound = sum(t[0] for t in terms) - expected, 3 * sum(t[1] for t in terms)
    check(abs(total) <= bound, f"{what}: off by {total:.4f}, bound {bound:.4f}")
def minus(v): return -v[0], v[1]

for name, s in ("05", 0.5), ("1", 1), ("2", 2):
    same(f"score of N(0, {s}^2 I): -1/2 E|s|^2 = -{1 / s**2:g}", [value("02", "gaussian_" + name)], -1 / s**2)
for n in "200", "1500":
    same(f"esm - ism = 1/2 E|grad log p|^2, network {n}", [value("03", "esm_" + n), minus(value("03", "ism_" + n)), value("03", "truth")])
for n in "200", "2000":
    same(f"dsm - esm = dsm of the true score, network {n}",
         [value("04", "dsm_" + n), minus(value("04", "esm_" + n)), minus(value("04", "truth"))])

# One mean, -8; the variances of the table.  That of a variance is (kurtosis - 1) / n; 30 is above the kurtosis of each.
D = 16
for stage, variance in ("ism_16", D / 2), ("ssm_vr_16", 5 * D / 2), ("four_16", D), ("rademacher_16", D / 2), ("ssm_16", D * D / 2 + 3 * D / 2):
    v, error = value("05", stage)
    check(abs(v + D / 2) <= 3 * error, f"{stage}: {v:.3f}, mean {-D / 2:g}")
    measured = error * error * POINTS
    check(abs(measured / variance - 1) <= 4 * math.sqrt(29 / POINTS), f"{stage}: variance {measured:.2f}, expected {variance:g}")
# Two ways to the same score.  That of the network which gives 0 has the Fisher divergence 1.1 here (-ism of the true score).
dsm, sliced = value("05", "dsm_fisher", "fisher")[0], value("05", "ssm_vr_fisher", "fisher")[0]
check(max(dsm, sliced) < 0.05 and abs(dsm - sliced) < 0.03, f"dsm and ssm_vr learn one score: Fisher divergence {dsm:.4f} and {sliced:.4f}")

levels = [f"loss.{i}" for i in range(1, 9)]
for name in levels:
    same(f"{name} = Fisher divergence + loss of the true score",
         [value("10", "trained", name), minus(value("10", "excess", name)), minus(value("10", "truth", name))])
plain = [value("10", "trained", name)[0] for name in levels]
weighed = [v * (10 * 0.05 ** (i / 7)) ** 2 for i, v in enumerate(plain)]
check(plain[-1] / plain[0] > 100 and max(weighed) / min(weighed) < 20,
      f"sigma^2 balances the levels: {plain[-1] / plain[0]:.0f} between them without, {max(weighed) / min(weighed):.1f} with it")
sys.exit(faults > 0)
PY
