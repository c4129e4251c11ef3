# Every sampler and every condition on a small network, by the C definitions (and some by OpenCL, with the same bits).
. "$SOURCE/tests/e2e/common"
make_data
train run --device reference -o noise.levels=5
checkpoint=$(latest run)
array() { "$SCORECL" checksum "$1/samples.npy" | cut -d' ' -f1; }

# draw OUT [FLAGS]: six samples; s KEY=VALUE...: keys of the stage
draw()
{
    local out=$1; shift
    "$SCORECL" sample "$checkpoint" -n 6 --out "$out" --device reference -o stages.sample.save=[grid,npy,trajectory] "$@" > "$out.log" 2>&1 ||
        { cat "$out.log" >&2; fail "$out cannot be drawn"; }
}
s() { printf -- '-o stages.sample.%s ' "$@"; }
# takes OUT N: score evaluations
takes()
{
    grep -q "^sample: $2 score evaluations per sample" "$1.log" || { cat "$1.log" >&2; fail "$1 does not take $2 score evaluations"; }
    grep -q "\"score_evaluations\": \"*${2##* }\"*" "$1/environment.json" || fail "$1: environment.json does not tell the score evaluations"
    [ -s "$1/trajectory.png" ] && [ -s "$1/trajectory.npy" ] && [ -s "$1/grid.png" ] || fail "$1: a file is missing"
}

draw langevin $(s sampler.method=langevin sampler.steps=12 sampler.step_lr=1e-3);   takes langevin 13
draw annealed $(s sampler.steps_per_level=3 sampler.step_lr=auto);                  takes annealed 16
draw consistent $(s sampler.method=consistent_annealed sampler.step_lr=auto);       takes consistent 5
draw euler $(s sampler.method=euler_maruyama);                                      takes euler 5
draw reverse $(s sampler.method=reverse_diffusion);                                 takes reverse 5
draw ancestral $(s sampler.method=ancestral);                                       takes ancestral 5
draw corrector $(s sampler.method=predictor_corrector sampler.group=3);             takes corrector 10
draw flow $(s sampler.method=probability_flow sampler.solver=euler);                takes flow 5
draw rk45 $(s sampler.method=probability_flow sampler.group=3 sampler.rtol=1e-3 sampler.atol=1e-3)
evaluations=$(sed -n 's/^sample: \(.*\) score evaluations per sample.*/\1/p' rk45.log); takes rk45 "$evaluations"

# Neither the batch changes a bit, nor the device; a group is not the batch.
draw one $(s sampler.method=ancestral batch=1)
[ "$(array one)" = "$(array ancestral)" ] || fail "the batch changes ancestral samples"
draw group $(s sampler.method=predictor_corrector sampler.group=3 batch=2)
[ "$(array group)" = "$(array corrector)" ] || fail "the batch changes a corrector's norms"
draw other $(s sampler.method=predictor_corrector sampler.group=6)
[ "$(array other)" != "$(array corrector)" ] || fail "the group does not change a corrector's norms"

# What is known stays: the masked half of every sample is the picture's.
python_png()       # python_png FILE SIDE half|white: a mask that is white in its left half, or everywhere
{
    python3 - "$@" <<'END'
import struct, sys, zlib
file, side, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rows = b''.join(b'\0' + bytes(255 if kind == 'white' or x < side // 2 else 0 for x in range(side)) for _ in range(side))
chunk = lambda name, data: struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
open(file, 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 0, 0, 0, 0)) +
                       chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
END
}
python_png mask.png 8 half
known="$(s condition.task=inpaint condition.mask=$work/mask.png condition.images=$work/data.npy condition.per_image=2 condition.first=1)"
for noise in level step; do
    draw "inpaint_$noise" $known $(s condition.noise=$noise sampler.step_lr=1e-3)
    python3 - "inpaint_$noise/samples.npy" data.npy <<'END'
import struct, sys
read = lambda file: (lambda d: d[10 + struct.unpack('<H', d[8:10])[0]:])(open(file, 'rb').read())
samples, data = read(sys.argv[1]), read(sys.argv[2])
x = struct.unpack('<%df' % (6 * 64), samples)
free = 0
for i in range(6):
    picture = data[(1 + i // 2) * 64:]
    for p in range(64):
        off = x[i * 64 + p] - (picture[p] + .5) / 256
        if p % 8 < 4 and abs(off) > 1e-6:
            sys.exit('sample %d, pixel %d is %g off what is known' % (i, p, off))
        free += p % 8 >= 4 and abs(off) > 1e-3
if free < 150:
    sys.exit('what is not known is that of the picture: %d values differ' % free)
END
done
draw known_flow $known $(s sampler.method=probability_flow sampler.solver=euler)
draw known_pc $known $(s sampler.method=predictor_corrector)

# A row of interpolations begins with an ordinary sample.
draw plain $(s sampler.step_lr=1e-3)
draw between $(s condition.task=interpolate condition.columns=3 sampler.step_lr=1e-3)
python3 - plain/samples.npy between/samples.npy <<'END'
import struct, sys
read = lambda file: (lambda d: d[10 + struct.unpack('<H', d[8:10])[0]:])(open(file, 'rb').read())
a, b = read(sys.argv[1]), read(sys.argv[2])
part = lambda d, i: d[i * 256:(i + 1) * 256]
ok = part(b, 0) == part(a, 0) and part(b, 3) == part(a, 1) and part(b, 1) not in (part(b, 0), part(b, 2))
sys.exit(0 if ok else 'rows of interpolations do not begin with the samples')
END

# The same bits by OpenCL.
if "$SCORECL" devices > /dev/null 2>&1; then
    draw device $(s sampler.method=predictor_corrector sampler.group=3 condition.task=inpaint condition.mask=$work/mask.png condition.images=$work/data.npy) --device auto
    draw host $(s sampler.method=predictor_corrector sampler.group=3 condition.task=inpaint condition.mask=$work/mask.png condition.images=$work/data.npy)
    [ "$(array device)" = "$(array host)" ] || fail "another device, other bits"
    draw rk45_device $(s sampler.method=probability_flow sampler.group=3 sampler.rtol=1e-3 sampler.atol=1e-3) --device auto
    [ "$(array rk45_device)" = "$(array rk45)" ] || fail "another device, another solution of the ODE"
fi

# What cannot be is refused, with the reason.
sample() { "$SCORECL" sample "$checkpoint" -n 4 --out refused --device reference "$@"; }
python_png small.png 6 half
python_png white.png 8 white
inpaint="$(s condition.task=inpaint condition.images=$work/data.npy)"
expect 1 "mask '$work/small.png' is of 6 x 6 pixels, the samples are of 8 x 8" sample $inpaint $(s condition.mask=$work/small.png)
expect 1 "is all white" sample $inpaint $(s condition.mask=$work/white.png)
expect 1 "'$work/data.npy' has 64" sample $inpaint $(s condition.mask=$work/mask.png condition.first=62)
expect 1 "missing.png" sample $inpaint $(s condition.mask=$work/missing.png)
expect 2 "condition.mask: missing" sample $(s condition.task=inpaint)
expect 2 "the solver rk45 cannot keep pixels" sample $known $(s sampler.method=probability_flow)
expect 2 "probability_flow has none" sample $(s condition.task=interpolate sampler.method=probability_flow)
expect 2 "these have one channel" sample $(s condition.task=colorize)
expect 2 "langevin stays at one" sample $(s sampler.method=langevin sampler.step_lr=auto)
expect 2 "must be one of langevin, annealed_langevin" sample $(s sampler.method=ode)
expect 2 "needs a step between" sample $(s sampler.method=consistent_annealed sampler.step_lr=1e-9)
expect 1 "needs more than 20 evaluations" sample $(s sampler.method=probability_flow sampler.max_evaluations=20)
expect 1 "at noise level 0, step" sample $(s sampler.step_lr=1e6)
# ... before anything is computed, where a run would train first.
mask="$(s condition.task=inpaint condition.mask=$work/small.png condition.images=$work/data.npy)"
expect 1 "mask '$work/small.png' is of 6 x 6 pixels, the samples are of 8 x 8" "$SCORECL" run "$tiny" --out early --device reference \
    -o data.format=npy -o "data.path=$work/data.npy" $mask
[ ! -e early ] || fail "a run with the wrong mask began"
echo "samplers: the same bits, what is known stays, and what cannot be is refused"
