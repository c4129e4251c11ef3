# Samplers of the processes vp and subvp, and of ve in continuous time, on one Gaussian with its true score: mean and variance of 2048
# samples within five standard errors of what the recursion of their updates gives in closed form (adaptive: of the flow itself).
# On a mixture: the share of the samples in each mode, and the variance around its mean, likewise.
. "$SOURCE/tests/e2e/common"
cat > gaussian.yaml <<'END'
seed: 3
data: { format: points, points: { distribution: mixture, weights: [1], means: [[1, -2]], sigma: 0.5, count: 64 } }
model: { net: analytic }
noise: { process: vp, levels: 100 }
stages:
  ancestral: &chains { kind: sample, count: 2048, batch: 2048, save: [npy], sampler: &ancestral { method: ancestral } }
  euler: { <<: *chains, sampler: &euler { method: euler_maruyama } }
  reverse: { <<: *chains, sampler: &reverse { method: reverse_diffusion } }
  noisy: { <<: *chains, sampler: { method: reverse_diffusion, denoise: false } }
  corrector: { <<: *chains, sampler: &corrector { method: predictor_corrector, group: 2048, snr: 0.05 } }
  langevin: { <<: *chains, noise: { levels: 30 }, sampler: { method: langevin, step_lr: 0.02, steps: 300, init: normal } }
  flow: { <<: *chains, sampler: &flow { method: probability_flow, solver: euler } }
  rk45: { <<: *chains, sampler: &rk45 { method: probability_flow, group: 512, denoise: false, rtol: 1.0e-6, atol: 1.0e-6 } }
  vp_ancestral: { <<: *chains, noise: &vp { time: continuous }, sampler: *ancestral }
  vp_euler: { <<: *chains, noise: *vp, sampler: *euler }
  vp_rk45: { <<: *chains, noise: *vp, sampler: *rk45 }
  subvp_ancestral: { <<: *chains, noise: &subvp { process: subvp, time: continuous }, sampler: *ancestral }
  subvp_euler: { <<: *chains, noise: *subvp, sampler: *euler }
  subvp_reverse: { <<: *chains, noise: *subvp, sampler: *reverse }
  subvp_corrector: { <<: *chains, noise: *subvp, sampler: *corrector }
  subvp_flow: { <<: *chains, noise: *subvp, sampler: *flow }
  subvp_rk45: { <<: *chains, noise: *subvp, sampler: *rk45 }
  ve_euler: { <<: *chains, noise: &ve { process: ve, time: continuous, sigma_begin: 20, sigma_end: 0.01 }, sampler: *euler }
  ve_rk45: { <<: *chains, noise: *ve, sampler: *rk45 }
  mix_ancestral: { <<: *chains, data: &modes { points: { weights: [0.8, 0.2], means: [[2, 2], [-2, -2]] } }, sampler: *ancestral }
  mix_rk45: { <<: *chains, data: *modes, noise: *subvp, sampler: *rk45 }
END
"$SCORECL" run gaussian.yaml --out run --device reference > run.log 2>&1 || { cat run.log >&2; fail "the samplers do not run"; }
for count in ancestral:100 corrector:200 langevin:301 flow:100 vp_euler:100; do
    grep -q "^${count%:*}: ${count#*:} score evaluations per sample" run.log || fail "${count%:*} does not report ${count#*:} evaluations"
done
grep -q '^vp_rk45: .* score evaluations per sample' run.log || fail "no score evaluations are reported"
python3 - <<'END'
import math, struct, sys
def read(stage):
    d = open('run/%s/samples.npy' % stage, 'rb').read()
    d = d[10 + struct.unpack('<H', d[8:10])[0]:]
    return struct.unpack('<%df' % (len(d) // 4), d)
DATA = .25
# Levels, largest first, as (alpha, sd, beta of the step), and behind them the data.
def table(L):
    beta, kept, levels = [(.1 + j / (L - 1) * 19.9) / L for j in range(L)], 1., []
    for b in beta:
        kept *= 1 - b
        levels.append((kept ** .5, (1 - kept) ** .5, b))
    return levels[::-1] + [(1, 0, 0)]
def times(L, sub):
    step, levels = .999 / (L - 1), []
    for i in range(L):
        t = 1 - i * step
        B = .1 * t + 9.95 * t * t
        levels.append((math.exp(-B / 2), 1 - math.exp(-B) if sub else (1 - math.exp(-B)) ** .5, (.1 + 19.9 * t) * step))
    return levels + [(1, 0, 0)]
# (level, scale, drift, noise) of each update.
def updates(method, levels, sub):
    L = len(levels) - 1
    for i in range(L):
        (a, s, b), (a1, s1, _) = levels[i], levels[i + 1]
        r, last = a / a1, i == L - 1
        d = s * s - r * r * s1 * s1
        tweedie = (i, 1 / a, s * s / a, 0)
        if method == 'ancestral':
            yield i, 1 / r, d / r, 0 if last else d ** .5 * s1 / s if sub else d ** .5
        if method == 'euler':
            g = b * (1 - a ** 4 if sub else 1)
            yield tweedie if last else (i, 1 + b / 2, g, g ** .5)
        if method == 'reverse':
            yield tweedie if last else (i, 2 - r, d, d ** .5)
        if method == 'noisy':
            yield i, 2 - r, d, d ** .5
        if method == 'flow':
            yield tweedie if last else (i, 2 - r, d / 2, 0)
    # A corrector's step from the norms of the levels: mean |z| / mean |s| is v / sqrt(w), w the samples' variance (below).
    if method == 'corrector':
        for i in range(L):
            r = levels[i][0] / levels[i + 1][0]
            yield i, 1, None, .05 * r
            yield [u for u in updates('reverse', levels, sub)][i]
    if method == 'langevin':
        a, s, b = levels[L - 1]
        for i in range(300):
            yield L - 1, 1, .02, .2
        yield L - 1, 1 / a, s * s / a, 0
# Mean as a share of the data's, and variance: the score is -(x - alpha mean) / (alpha^2 / 4 + sd^2).
def recursion(method, levels, sub):
    mean, var = 0., 1.
    for i, scale, drift, noise in updates(method, levels, sub):
        a, s, _ = levels[i]
        if drift is None:
            drift = 2 * noise ** 2 * (a * a * DATA + s * s) ** 2 / var
            noise = (2 * drift) ** .5
        pull = drift / (a * a * DATA + s * s)
        mean, var = (scale - pull) * mean + pull * a, (scale - pull) ** 2 * var + noise ** 2
    return mean, var
# The flow takes a Gaussian's quantile to the same quantile.
def flow(start, end, prior):
    (a1, s1), (a0, s0) = start, end
    ratio = ((a0 * a0 * DATA + s0 * s0) / (a1 * a1 * DATA + s1 * s1)) ** .5
    return a0 - ratio * a1, ratio ** 2 * prior
L, want = 100, {}
for method in 'ancestral', 'euler', 'reverse', 'noisy', 'corrector', 'flow':
    want[method] = recursion(method, table(L), False)
want['langevin'] = recursion('langevin', table(30), False)
for method in 'ancestral', 'euler':
    want['vp_' + method] = recursion(method, times(L, False), False)
for method in 'ancestral', 'euler', 'reverse', 'corrector', 'flow':
    want['subvp_' + method] = recursion(method, times(L, True), True)
def marginal(t, sub):
    B = .1 * t + 9.95 * t * t
    return math.exp(-B / 2), 1 - math.exp(-B) if sub else (1 - math.exp(-B)) ** .5
want['rk45'] = flow(marginal(1, False), marginal(1 / L, False), 1)
want['vp_rk45'] = flow(marginal(1, False), marginal(.001, False), 1)
want['subvp_rk45'] = flow(marginal(1, True), marginal(.001, True), 1)
want['ve_rk45'] = flow((1, 20), (1, .01), 400)
sigma, mean, var = [20 * (.01 / 20) ** (i / (L - 1)) for i in range(L)], 0., 400.
for i in range(L):
    drift = 2 * sigma[i] ** 2 * math.log(sigma[i] / sigma[i + 1]) if i < L - 1 else sigma[i] ** 2
    pull = drift / (DATA + sigma[i] ** 2)
    mean, var = (1 - pull) * mean + pull, (1 - pull) ** 2 * var + (drift if i < L - 1 else 0)
want['ve_euler'] = mean, var
wrong = []
for stage, (share, var) in want.items():
    x = read(stage)
    for axis, centre in ((0, 1.), (1, -2.)):
        v = x[axis::2]
        n, m = len(v), centre * share
        mean = sum(v) / n
        got = sum((e - mean) ** 2 for e in v) / (n - 1)
        print('%-16s axis %d: mean %+.4f, variance %.4f; by the recursion %+.4f, %.4f' % (stage, axis, mean, got, m, var))
        if n != 2048 or abs(mean - m) > 5 * (var / n) ** .5 or abs(got / var - 1) > 5 * (2 / n) ** .5:
            wrong.append(stage)
for stage, var in ('mix_ancestral', want['ancestral'][1]), ('mix_rk45', DATA):
    x = read(stage)
    modes = [[(x[2 * i], x[2 * i + 1]) for i in range(2048) if (x[2 * i] + x[2 * i + 1] > 0) == heavy] for heavy in (True, False)]
    share = len(modes[0]) / 2048
    around = [sum((a - c) ** 2 + (b - c) ** 2 for a, b in mode) / (2 * len(mode)) for mode, c in zip(modes, (2, -2))]
    print('%-16s share %.4f of 0.8, variances %.4f and %.4f of %.4f' % (stage, share, *around, var))
    bounds = [5 * (1 / len(mode)) ** .5 for mode in modes]     # of 2 n values, twice the square of the variance each
    if abs(share - .8) > 5 * (.16 / 2048) ** .5 or any(abs(v / var - 1) > b for v, b in zip(around, bounds)):
        wrong.append(stage)
sys.exit('wrong: %s' % wrong if wrong else 0)
END
echo "samplers: the Gaussian comes out of each process"
