#!/usr/bin/env bash
# The published fingerprint: the C definitions give all of it, this device the short one, a changed bit is noticed and named; its
# configs use every operator, algorithm, network, loss and sampler, the short ones every operator, sampler and optimiser.
. "$(dirname "$0")/../e2e/common"

"$SCORECL" verify --fingerprint --all --device reference --json reference.json --junit junit.xml > said || { cat said; fail "the reference device"; }
tail -1 said
"$SCORECL" verify --fingerprint --device reference --json short.json > said || { cat said; fail "the reference device, the short one"; }
tail -1 said | grep -q ' 0 failed, 0 skipped' || { cat said; fail "something of the short one is not published"; }
grep -q 'testcase classname="fingerprint" name="ncsn_direct: weights of train"' junit.xml || fail "JUnit does not name what was compared"

# Every operator of the registry is in a graph of a fingerprint, every choice of the schema in a config.
"$SCORECL" ops > ops
"$SCORECL" schema --json-schema > schema.json
python3 - "$SOURCE" <<'END'
import glob, json, os, re, sys
report = json.load(open('reference.json'))
used = set(sum(report['operators'].values(), []))
known = {line.split()[0] for line in open('ops') if line.strip()}
if len(known) < 60 or known - used:
    sys.exit('no fingerprint uses: %s' % (known - used))
short = json.load(open('short.json'))['operators']
if known - set(sum(short.values(), [])):
    sys.exit('the short one does not use: %s' % (known - set(sum(short.values(), []))))
texts = {os.path.basename(f)[:-5]: open(f).read() for f in glob.glob(sys.argv[1] + '/tests/fingerprints/*.yaml')}
if set(texts) | {'operators'} != set(report['operators']):
    sys.exit('the binary has other configs: %s' % sorted(report['operators']))
text = '\n'.join(texts.values())
short = '\n'.join(text for name, text in texts.items() if name in short)
rows = re.findall(r'KEY\((\w+), "(\w+)", CHOICE, [\w.]+, "?[\w.]*"?, "([^"]*)"', open(sys.argv[1] + '/host/config/schema.def').read())
keys = {('ROOT', 'conv'), ('MODEL', 'net'), ('OBJECTIVE', 'loss'), ('SAMPLER', 'method'), ('SAMPLER', 'solver'), ('OPTIMIZER', 'method'),
        ('NOISE', 'process'), ('NOISE', 'time'), ('MODEL', 'predict'), ('LIKELIHOOD', 'trace')}
defaults = {'annealed_langevin', 'score', 've', 'table', 'hutchinson', 'rk45'}        # of keys that the configs leave out
missing = [key for section, key, choices in rows if (section, key) in keys for choice in choices.split('|')
           if choice not in defaults | {'clblast'} and not re.search(r'\b%s: %s\b' % (key, choice), text)]
if missing or len([r for r in rows if r[:2] in keys]) != len(keys):
    sys.exit('no fingerprint has: %s' % missing)
missing = [choice for section, key, choices in rows if (section, key) in {('SAMPLER', 'method'), ('OPTIMIZER', 'method')}
           for choice in choices.split('|') if not re.search(r'\bmethod: %s\b' % choice, short)]
if missing:
    sys.exit('the short one has no: %s' % missing)
published = open(sys.argv[1] + '/tests/fingerprints.yaml').read()
lists = [m.splitlines() for m in re.findall(r'    agreed:\n((?:      - .*\n)+)', published)]
if not lists or len(lists) != len(re.findall(r'^  \w+:$', published, re.M)):
    sys.exit('configs without the names of those who agreed')
for names in lists:
    if '      - "reference"' not in names or len(names) < 3:
        sys.exit('published without the reference device and two compilers: %s' % names)
print('%d operators, %d checksums, %d of them published' % (len(known), len(report['cases']), report['passed']))
END

# One bit of a published checksum: exit 4, and what it is of.
published=$SOURCE/tests/fingerprints.yaml
planted()       # planted CONFIG WHAT STAGE
{
    awk -v config="  $1:" -v what="    $2:" -v stage="      $3:" '
        /^  [a-z]/ { at = $0 == config } /^    [a-z]/ { in_what = at && $0 == what }
        in_what && index($0, stage) == 1 { c = substr($0, length(stage) + 3, 1); $0 = stage " \"" (c == "0" ? "1" : "0") substr($0, length(stage) + 4) }
        { print }' "$published" > planted.yaml
    [ "$(diff "$published" planted.yaml | grep -c '^>')" = 1 ] || fail "nothing was planted"
    expect 4 "FAIL $1: $2 of $3: " "$SCORECL" verify --fingerprint --device reference --case "$1" --published planted.yaml
    grep -q ", 1 failed" said || fail "more than the planted one failed"
}
planted ncsn_direct weights train
planted points densities density
planted operators values top1
sed 's/^arithmetic: 1/arithmetic: 2/' "$published" > other.yaml
expect 1 "checksums of arithmetic 2, this is 1" "$SCORECL" verify --fingerprint --device reference --published other.yaml
expect 2 "no fingerprint has this name" "$SCORECL" verify --fingerprint --device reference --case nothing

"$SCORECL" devices > /dev/null 2>&1 || { echo "skipped: there is no OpenCL device here"; exit 0; }
"$SCORECL" verify --fingerprint --device auto > said || { cat said; fail "the device"; }
cat said
# A kernel that is wrong in one place.
cp -r "$SOURCE/cl" kernels
sed -i 's/\? 1.0f : 0.0f;/? 1.0f : 0x1p-149f;/' kernels/ops/softmax.cl
! cmp -s kernels/ops/softmax.cl "$SOURCE/cl/ops/softmax.cl" || fail "nothing was planted in the kernel"
SCL_KERNEL_DIR=$work/kernels expect 4 "FAIL operators: values of top1: " "$SCORECL" verify --fingerprint --device auto --case operators
