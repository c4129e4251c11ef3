# The processes from YAML: DDPM's table on pictures, continuous times on points; the same bits on every device and for every split of a
# batch; what is known of samples under vp; what does not fit is refused.
. "$SOURCE/tests/e2e/common"
make_data
run() { "$SCORECL" run "$@" > run.log 2>&1 || { cat run.log >&2; fail "run $*"; }; }
array() { "$SCORECL" checksum "$1/samples.npy" | cut -d' ' -f1; }

# The config of DDPM on Fashion-MNIST, with a tiny network on tiny pictures and a short table: it learns and it samples.
small="-o data.format=npy -o data.path=$work/data.npy -o data.transform.size=8 -o model.ngf=4 -o noise.levels=40 -o stages.train.steps=40
       -o stages.train.batch=16 -o stages.train.optimizer.lr=2e-3 -o stages.train.optimizer.warmup=0 -o stages.train.log_every=1 -o stages.train.ema=0.9
       -o stages.train.eval.images=6 -o stages.sample.count=4 -o stages.sample.save=[grid,npy] -o stages.flow.count=4 -o stages.flow.save=[npy]"
run "$SOURCE/configs/ddpm_fashion.yaml" --out ddpm --device reference $small -o stages.flow.sampler.rtol=1e-2 -o stages.flow.sampler.atol=1e-2
grep -q '^sample: 40 score evaluations per sample' run.log || fail "ancestral does not take 40 score evaluations"
[ -s ddpm/sample/grid.png ] && [ -s ddpm/flow/samples.npy ] || fail "there are no samples"
python3 - <<'END'
import json, sys
loss = [json.loads(line)['loss'] for line in open('ddpm/train/metrics.jsonl') if '"loss"' in line]
first, last = sum(loss[:10]) / 10, sum(loss[-10:]) / 10
print('loss of the first ten steps %.2f, of the last ten %.2f' % (first, last))
# 1/2 |z - f|^2 of 64 values is 32 for f = 0; ten batches of 16 leave a standard error of sqrt(32 / 160) < 0.5.
sys.exit(0 if len(loss) == 40 and last < first - 5 * .5 and last < 32 + 5 * .5 else 'it does not learn')
END

# Known pixels end as they are known.
python3 - <<'END'
import struct, zlib
rows = b''.join(b'\0' + bytes(255 if x < 4 else 0 for x in range(8)) for _ in range(8))
chunk = lambda name, data: struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
open('mask.png', 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 8, 8, 8, 0, 0, 0, 0)) +
                             chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
END
checkpoint=$(latest ddpm)
known="-o stages.sample.condition.task=inpaint -o stages.sample.condition.mask=$work/mask.png -o stages.sample.condition.images=$work/data.npy"
for noise in level step; do
    "$SCORECL" sample "$checkpoint" -n 2 --out known --device reference -o stages.sample.sampler.method=ancestral -o stages.sample.save=[npy] \
        $known -o stages.sample.condition.noise=$noise > said 2>&1 || { cat said >&2; fail "inpainting under vp"; }
    python3 - <<'END'
import struct, sys
read = lambda file: (lambda d: d[10 + struct.unpack('<H', d[8:10])[0]:])(open(file, 'rb').read())
x, data = struct.unpack('<128f', read('known/samples.npy')), read('data.npy')
off = max(abs(x[i] - (data[i] + .5) / 256) for i in range(128) if i % 8 < 4)
sys.exit(0 if off <= 1e-6 else 'a known pixel is %g off' % off)
END
    rm -r known
done

# Continuous times are of the sample: no split of the batch changes a bit, nor does the device.
short="-o stages.train.steps=6 -o stages.train.batch=12 -o stages.train.eval.every=3 -o noise.levels=12 -o data.points.count=64"
for config in toy_vp toy_ve_continuous; do
    run "$SOURCE/configs/$config.yaml" --out $config --only train --device reference $short
    run "$SOURCE/configs/$config.yaml" --out $config.split --only train --device reference $short -o stages.train.accumulate=5
    same $config $config.split
done
run "$SOURCE/configs/toy_vp.yaml" --out subvp --only train --device reference $short -o noise.process=subvp -o stages.train.objective.weighting=likelihood
[ "$(weights subvp)" != "$(weights toy_vp)" ] || fail "the process changes nothing"
if "$SCORECL" devices > /dev/null 2>&1; then
    run "$SOURCE/configs/toy_vp.yaml" --out device --only train $short
    same toy_vp device
    draw="-n 8 -o stages.ancestral.sampler.method=euler_maruyama"
    "$SCORECL" sample "$(latest device)" --out a --device reference $draw > said 2>&1 && "$SCORECL" sample "$(latest device)" --out b $draw > said 2>&1 ||
        { cat said >&2; fail "vp samples cannot be drawn"; }
    [ "$(array a)" = "$(array b)" ] || fail "another device, other samples"
fi

# What does not fit is refused.
expect 2 "annealed_langevin goes along levels that differ in noise alone" \
    "$SCORECL" sample "$checkpoint" -n 2 --out refused -o stages.sample.sampler.method=annealed_langevin
expect 2 "noise.time: ncsn has weights of its own for each of 10 levels" "$SCORECL" check "$SOURCE/configs/fashion.yaml" -o noise.time=continuous
expect 2 "more than 20 levels" "$SCORECL" check "$SOURCE/configs/ddpm_fashion.yaml" -o noise.levels=20
echo "processes: they train and sample"
