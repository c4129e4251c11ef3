# Every sampler on one Gaussian with its true score: mean and variance of 2048 samples within five standard errors of what the
# recursion of its updates gives in closed form (the adaptive probability flow: of the flow itself).
. "$SOURCE/tests/e2e/common"
cat > gaussian.yaml <<'END'
seed: 3
data: { format: points, points: { distribution: mixture, weights: [1], means: [[1, -2]], sigma: 0.5, count: 64 } }
model: { net: analytic }
noise: { sigma_begin: 20, sigma_end: 0.01, levels: 200 }
stages:
  langevin: &chains { kind: sample, count: 2048, batch: 2048, save: [npy], sampler: { method: langevin, step_lr: 0.02, steps: 400, init: normal } }
  annealed: { <<: *chains, sampler: { step_lr: auto, steps_per_level: 5, init: prior } }
  consistent: { <<: *chains, sampler: { method: consistent_annealed, step_lr: auto, init: prior } }
  euler: { <<: *chains, sampler: { method: euler_maruyama } }
  reverse: { <<: *chains, sampler: { method: reverse_diffusion } }
  ancestral: { <<: *chains, sampler: { method: ancestral } }
  corrector: { <<: *chains, sampler: { method: predictor_corrector, group: 2048, snr: 0.05 } }
  flow: { <<: *chains, sampler: { method: probability_flow, solver: euler } }
  rk45: { <<: *chains, sampler: { method: probability_flow, group: 512, denoise: false, rtol: 1.0e-6, atol: 1.0e-6 } }
END
"$SCORECL" run gaussian.yaml --out run --device reference > run.log 2>&1 || { cat run.log >&2; fail "the samplers do not run"; }
grep -q '^rk45: .* score evaluations per sample' run.log || fail "no score evaluations are reported"
python3 - <<'END'
import struct, sys
def read(stage):
    d = open('run/%s/samples.npy' % stage, 'rb').read()
    d = d[10 + struct.unpack('<H', d[8:10])[0]:]
    return struct.unpack('<%df' % (len(d) // 4), d)
# Mean (towards 0 from what it is to be) and variance by the recursion of the method: score -(x - mean) / (1/4 + sigma^2).
L, data = 200, .25
sigma = [20 * (.01 / 20) ** (i / (L - 1)) for i in range(L)] + [0]
def recursion(steps, start):
    off, var = 1., start
    for i, drift, noise in steps:
        keep = 1 - drift / (data + sigma[i] ** 2)
        off, var = off * keep, var * keep ** 2 + noise ** 2
    return off, var
down = [sigma[i] ** 2 - sigma[i + 1] ** 2 for i in range(L)]
last = [(L - 1, sigma[L - 1] ** 2, 0)]
step = float(next(line for line in open('run.log') if line.startswith('annealed: step_lr')).split()[2].rstrip(','))
a = [step * (s / .01) ** 2 for s in sigma]
ancestral = [(i, down[i], down[i] ** .5 * sigma[i + 1] / sigma[i]) for i in range(L)]
log = __import__('math').log
euler = [(i, 2 * sigma[i] ** 2 * log(sigma[i] / sigma[i + 1])) for i in range(L - 1)]
want = dict(
    langevin=recursion([(L - 1, .02, .2)] * 400 + last, 1),
    annealed=recursion([(i, a[i], (2 * a[i]) ** .5) for i in range(L) for _ in range(5)] + last, 400),
    consistent=recursion(ancestral, 400), ancestral=recursion(ancestral, 400),
    euler=recursion([(i, d, d ** .5) for i, d in euler] + last, 400),
    reverse=recursion([(i, down[i], down[i] ** .5 if i < L - 1 else 0) for i in range(L)], 400),
    flow=recursion([(i, down[i] * (.5 if i < L - 1 else 1), 0) for i in range(L)], 400),
    rk45=(((data + .0001) / (data + 400)) ** .5, 400 * (data + .0001) / (data + 400)),
    corrector=(0, data))
wrong = []
for stage, (off, var) in want.items():
    x = read(stage)
    for axis, centre in ((0, 1.), (1, -2.)):
        v = x[axis::2]
        n = len(v)
        mean, m = sum(v) / n, centre * (1 - off)
        got = sum((e - mean) ** 2 for e in v) / (n - 1)
        print('%-11s axis %d: mean %+.4f, variance %.4f; by the recursion %+.4f, %.4f' % (stage, axis, mean, got, m, var))
        slack = .1 if stage == 'corrector' else 0
        if n != 2048 or abs(mean - m) > 5 * (var / n) ** .5 or abs(got / var - 1) > 5 * (2 / n) ** .5 + slack:
            wrong.append(stage)
sys.exit('wrong: %s' % wrong if wrong else 0)
END
echo "samplers: the Gaussian comes out of each"
