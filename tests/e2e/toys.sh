# The processes on two moons, trained by their configs: samples are no farther from held-out points than one and a half times what
# points of the data of the same number are (sliced Wasserstein distance; of 2048 points 0.059, which varies by a third).
. "$SOURCE/tests/e2e/common"
for config in toy_vp toy_ve_continuous; do
    "$SCORECL" run "$SOURCE/configs/$config.yaml" --out $config > log 2>&1 || { cat log >&2; fail "$config"; }
done
python3 - <<'END'
import json, sys
wrong = []
for run, stages in ('toy_vp', ('of_ancestral', 'of_euler', 'of_flow')), ('toy_ve_continuous', ('of_corrector', 'of_flow')):
    value = lambda stage: json.load(open('%s/%s/evaluation.json' % (run, stage)))['values']['wasserstein']['value']
    for stage in stages:
        print('%s, %s: %.4f; data %.4f' % (run, stage, value(stage), value('floor')))
        if value(stage) > 1.5 * value('floor'):
            wrong.append((run, stage))
sys.exit('too far from the data: %s' % wrong if wrong else 0)
END
echo "toys: the processes learn two moons"
