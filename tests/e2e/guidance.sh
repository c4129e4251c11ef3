# Guidance by a classifier on a mixture of two Gaussians with its true score, where everything is known: with the exact classifier and
# scale 1 the samples of a class are those of its component.  Then the evaluation through a classifier, against its features
# computed here from the weights.  And what is refused.
. "$SOURCE/tests/e2e/common"
cat > g.yaml <<'YAML'
seed: 5
data: { format: points, holdout: none, points: { distribution: mixture, weights: [0.8, 0.2], means: [[2, 1], [-2, 1]], sigma: 1, count: 40000 } }
model: { net: analytic }
noise: &noise { sigma_begin: 10, sigma_end: 0.05, levels: 40 }
stages:
  classify:
    kind: train
    model: { net: classifier, classes: 2, widths: [24, 2] }
    objective: { loss: cross_entropy }
    optimizer: { lr: 1.0e-2, schedule: cosine }
    batch: 512
    steps: 1500
    ema: 0.99
    log_every: 500
    eval: { every: never }
  free: { kind: sample, count: 1000, batch: 1000, save: [npy], sampler: &ancestral { method: ancestral } }
  ancestral: &guided
    kind: sample
    needs: [classify]
    count: 1000
    batch: 1000
    save: [npy]
    sampler: *ancestral
    condition: { classifier: classify }
  sharp: { <<: *guided, condition: { classifier: classify, class: 1, scale: 4 } }
  none: { <<: *guided, condition: { classifier: classify, class: 1, scale: 0 } }
  annealed: { <<: *guided, sampler: { step_lr: auto, steps_per_level: 5, init: prior } }
  consistent: { <<: *guided, sampler: { method: consistent_annealed, step_lr: auto, init: prior } }
  euler: { <<: *guided, sampler: { method: euler_maruyama } }
  reverse: { <<: *guided, sampler: { method: reverse_diffusion } }
  corrector: { <<: *guided, sampler: { method: predictor_corrector, group: 1000, snr: 0.05 } }
  flow: { <<: *guided, sampler: { method: probability_flow, solver: euler } }
  rk45: { <<: *guided, sampler: { method: probability_flow, group: 500, rtol: 1.0e-3, atol: 1.0e-3 } }
  judged: { kind: evaluate, needs: [ancestral, classify], classifier: classify, metrics: [classes] }
  sharp_judged: { kind: evaluate, needs: [sharp, classify], classifier: classify, metrics: [classes] }
  seen:
    kind: evaluate
    needs: [classify]
    data: { format: points, path: real.npy, points: { distribution: file } }
    samples: ./made.npy
    features: classifier
    classifier: classify
    metrics: [classes, frechet, kid, precision_recall, moments]
    blocks: 3
YAML
python3 - <<'END'
import random, struct
def write(file, rows):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 2), }" % len(rows)
    head += ' ' * (117 - len(head)) + '\n'
    open(file, 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', 118) + head.encode() + b''.join(struct.pack('<2f', *r) for r in rows))
r = random.Random(3)
write('real.npy', [(r.gauss(r.choice((2, -2)), 1), r.gauss(1, 1)) for _ in range(150)])
write('made.npy', [(r.gauss(r.choice((2, -2)), .7), r.gauss(.5, 1)) for _ in range(120)])
END
"$SCORECL" run g.yaml --out run --device reference > run.log 2>&1 || { cat run.log >&2; fail "the stages do not run"; }
grep -q '^sharp: guided to class 1 by run/classify/checkpoints/latest.safetensors, scale 4' run.log ||
    { cat run.log >&2; fail "the log does not tell the guidance"; }

python3 - <<'END'
import json, math, struct, sys
def npy(file):
    d = open(file, 'rb').read()
    d = d[10 + struct.unpack('<H', d[8:10])[0]:]
    v = struct.unpack('<%df' % (len(d) // 4), d)
    return list(zip(v[::2], v[1::2]))
faults = 0
def check(what, v, expected, bound):
    global faults
    ok = abs(v - expected) <= bound
    faults += not ok
    print('%s %s: %.6g, expected %.6g +- %.3g' % ('pass' if ok else 'FAIL', what, v, expected, bound))
phi = lambda x: .5 * math.erfc(-x / 2 ** .5)
share = lambda x, sign: sum(sign * p[0] > 0 for p in x) / len(x)
def share_is(what, x, sign, p, more=0.):
    check(what, share(x, sign), p, 4 * math.sqrt(p * (1 - p) / len(x)) + more)
# Without guidance 1/5 of the samples are of class 1 (by side: a little more); asked for it, all but those beyond the middle.
left = .2 * phi(2) + .8 * phi(-2)
share_is('not guided, left', npy('run/free/samples.npy'), -1, left, .02)
share_is('scale 0 is no guidance', npy('run/none/samples.npy'), -1, left, .02)
for s in 'ancestral', 'annealed', 'consistent', 'euler', 'reverse', 'corrector', 'flow', 'rk45':
    x = npy('run/%s/samples.npy' % s)
    # A flow keeps 1/sqrt(1 + 10^2) of where it starts: as far round the origin, not the mean.  The others forget it.
    there = 1 - 101 ** -.5 if s in ('flow', 'rk45') else 1
    for k, part, side in (0, x[:500], 1), (1, x[500:], -1):
        share_is('%s, class %d' % (s, k), part, side, phi(2 * there), .02)       # .02: the trained classifier, the levels
        check('%s, class %d, mean' % (s, k), sum(p[0] for p in part) / 500, 2 * side * there, 4 / 500 ** .5 + .1)
        check('%s, class %d, across' % (s, k), sum(p[1] for p in part) / 500, there, 4 / 500 ** .5 + .1)
check('scale 4 is sharper', share(npy('run/sharp/samples.npy'), -1), 1, 1 - phi(2))
value = lambda stage, name: json.load(open('run/%s/evaluation.json' % stage))['values'][name]['value']
# By Bayes the sides meet where ln 4 + 4 x = 0.
meet = -math.log(4) / 4
both = (phi(2 - meet), phi(2 + meet))
for k in 0, 1:
    check('asked.%d' % k, value('judged', 'asked.%d' % k), both[k], 4 * math.sqrt(both[k] * (1 - both[k]) / 500) + .02)
check('asked', value('judged', 'asked'), (value('judged', 'asked.0') + value('judged', 'asked.1')) / 2, 1e-9)
check('classes.0', value('judged', 'classes.0'), (value('judged', 'asked.0') + 1 - value('judged', 'asked.1')) / 2, 1e-9)
check('asked of the sharp ones', value('sharp_judged', 'asked'), 1, .02)

# The features, from the weights: tensors of the checkpoint, the last noise level.
d = open('run/classify/checkpoints/latest.safetensors', 'rb').read()
size = struct.unpack('<Q', d[:8])[0]
head = json.loads(d[8:8 + size])
def tensor(name):
    t = head[name]
    a, b = t['data_offsets']
    v = struct.unpack('<%df' % ((b - a) // 4), d[8 + size + a:8 + size + b])
    return [v[i:i + t['shape'][1]] for i in range(0, len(v), t['shape'][1])] if len(t['shape']) == 2 else v
tensors = {n[4:]: tensor(n) for n in head if n.startswith('ema.')}
def linear(x, name):
    return [sum(p * q for p, q in zip(x, row)) + b for row, b in zip(tensors[name + '.weight'], tensors[name + '.bias'])]
def hidden(x, name):
    scale, shift = (tensors['level.%s.%s' % (name, k)][-1] for k in ('scale', 'shift'))
    return [math.log1p(math.exp(a * h + b)) for h, a, b in zip(linear(x, name), scale, shift)]
look = lambda x: hidden(hidden(x, '0'), '2')
real, made = ([look(x) for x in npy(f)] for f in ('real.npy', 'made.npy'))
ones = sum(b > a for a, b in (linear(f, '4') for f in made))
check('share of class 1', value('seen', 'classes.1'), ones / len(made), 1e-6)
def moments(x):
    n, m = len(x), [sum(c) / len(x) for c in zip(*x)]
    return m, [[sum((p[i] - m[i]) * (p[j] - m[j]) for p in x) / (n - 1) for j in (0, 1)] for i in (0, 1)]
(m1, a), (m2, b) = moments(real), moments(made)
det = lambda c: c[0][0] * c[1][1] - c[0][1] * c[1][0]
trace = sum(a[i][j] * b[j][i] for i in (0, 1) for j in (0, 1))
root = math.sqrt(trace + 2 * math.sqrt(det(a) * det(b)))       # trace of the root of a 2 x 2 product
frechet = sum((p - q) ** 2 for p, q in zip(m1, m2)) + a[0][0] + a[1][1] + b[0][0] + b[1][1] - 2 * root
check('frechet_classifier', value('seen', 'frechet_classifier'), frechet, 1e-3 * frechet)
kernel = lambda x, y: (sum(p * q for p, q in zip(x, y)) / 2 + 1) ** 3
def mmd(x, y):
    n = len(x)
    same = lambda s: sum(kernel(s[i], s[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return same(x) + same(y) - 2 * sum(kernel(p, q) for p in x for q in y) / n ** 2
kid = sum(mmd(real[i * 40:i * 40 + 40], made[i * 40:i * 40 + 40]) for i in range(3)) / 3
check('kid_classifier', value('seen', 'kid_classifier'), kid, 1e-3 * abs(kid))
away = lambda x, y: sum((p - q) ** 2 for p, q in zip(x, y))
def inside(s, by):
    radius = [sorted(away(x, y) for y in by)[3] for x in by]
    return sum(any(away(x, y) <= r for y, r in zip(by, radius)) for x in s) / len(s)
check('precision_classifier', value('seen', 'precision_classifier'), inside(made, real), 1.5 / len(made))
check('recall_classifier', value('seen', 'recall_classifier'), inside(real, made), 1.5 / len(real))
values = json.load(open('run/seen/evaluation.json'))
points = npy('made.npy')
check('moments stay those of the points', values['values']['mean']['value'], sum(map(sum, points)) / (2 * len(points)), 1e-5)
if values['features'] != 'classifier' or 'frechet' in values['values']:
    sys.exit('the names do not tell the features')
sys.exit(faults > 0)
END

# Neither the batch changes a bit, nor the device.
array() { "$SCORECL" checksum run/ancestral/samples.npy | cut -d' ' -f1; }
again()
{
    "$SCORECL" run g.yaml --out run --resume --only ancestral --force ancestral --device "$@" > again.log 2>&1 ||
        { cat again.log >&2; fail "again: $*"; }
    array
}
before=$(array)
[ "$(again reference -o stages.ancestral.batch=300)" = "$before" ] || fail "the batch changes guided samples"
if "$SCORECL" devices > /dev/null 2>&1; then
    [ "$(again auto)" = "$before" ] || fail "another device, other bits"
fi

# What cannot be is refused, with the reason, before anything is computed.
check() { "$SCORECL" check g.yaml "$@"; }
o() { printf -- '-o stages.%s ' "$@"; }
expect 2 "stages.free.condition.class: only a classifier leads to a class" check $(o free.condition.class=1)
expect 2 "stages.sharp.condition.classifier: no stage is called 'clasify'" check $(o sharp.condition.classifier=clasify)
expect 2 "stages.sharp.condition.classifier: stage 'free' trains no classifier" check $(o sharp.condition.classifier=free)
expect 2 "stages.sharp.condition.classifier: stage 'classify' must be among the needs" check $(o sharp.needs=[])
expect 2 "stages.sharp.condition.class: 2 is none of the classes 0 to 1 of the classifier" check $(o sharp.condition.class=[0,2])
expect 2 "stages.ancestral.count: 999 samples cannot be dealt evenly to 2 classes" check $(o ancestral.count=999)
expect 2 "stage 'classify' is trained with other noise than the samples are drawn by" check $(o classify.noise.levels=41)
expect 2 "stages.judged.metrics: needs a classifier" check $(o judged.classifier=none)
expect 2 "stages.seen.features: needs a classifier" check $(o seen.classifier=none)
expect 2 "stages.consistent.sampler.step_lr: consistent_annealed needs a step between" check $(o consistent.sampler.step_lr=1e-9)
expect 2 "stages.flow.noise.levels: the sampler probability_flow goes from level to level and needs two at least" check \
    $(o flow.noise.levels=1 flow.condition.classifier=none)
classifier=$work/run/classify/checkpoints/latest.safetensors
run() { "$SCORECL" run g.yaml --out refused --device reference --only sharp --force sharp "$@"; }
by=$(o sharp.needs=[] sharp.condition.classifier=$classifier)
expect 1 "knows 40 noise levels from 10 to 0.05" run $by -o noise.levels=39
expect 1 "looks at 1x1x2, the samples are 1x1x3" run $by -o data.points.means='[[2,1,0],[-2,1,0]]'
expect 1 "condition.class: 5 is none of the 2 classes" run $by $(o sharp.condition.class=5)
expect 1 "checkpoint '$work/none.safetensors' does not exist" run $(o sharp.needs=[] sharp.condition.classifier=$work/none.safetensors)
# Divergence stops with level and step, or level and evaluation.
expect 1 "explodes at noise level 0, step 0: its root mean square is" run $by $(o sharp.condition.scale=1e6)
expect 1 "explodes at noise level 0 (sigma" run $by $(o sharp.condition.scale=1e6 sharp.sampler.method=probability_flow sharp.sampler.rtol=1 \
    sharp.sampler.atol=1e6)
make_data
train scores --device reference
expect 1 "holds no classifier (it holds ncsn" run $(o sharp.needs=[] sharp.condition.classifier=$work/$(latest scores))
[ ! -e refused/sharp/samples.npy ] || fail "something was drawn"
echo "guidance: the asked classes come out, the same bits everywhere; features and classes as computed from the weights"
