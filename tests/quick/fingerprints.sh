#!/usr/bin/env bash
# tools/fingerprints, with a program that answers from prepared reports: the published file is what it writes, byte by byte, where the
# same three agree; and a checksum that is wrong, missing or too many is named.
. "$SOURCE/tests/e2e/common"
command -v python3 > /dev/null || { echo "skipped: no python3"; exit 77; }

python3 - <<'PY'
import json, os, re

rows, config, what = [], None, None
for line in open(os.environ["SOURCE"] + "/tests/fingerprints.yaml"):
    depth = len(line) - len(line.lstrip())
    name, value = line.strip().split(":")[0], re.search('"([0-9a-f]{64})"', line)
    config, what = name if depth == 2 else config, name if depth == 4 else what
    if value:
        rows.append({"config": config, "what": what, "of": name, "checksum": value.group(1)})
pocl = {"platform": "Portable Computing Language", "class": "CPU", "name": "cpu", "version": "OpenCL 3.0"}
rusticl = {"platform": "rusticl", "class": "CPU", "name": "llvmpipe (LLVM 19.1.7, 512 bits)", "version": "", "driver": "25.0.7-2+deb13u1"}
first, second = {**pocl, "driver": "3.1+debian"}, {**pocl, "driver": "6.0+debian"}


def report(name, device, rows):
    json.dump({"arithmetic": 1, "not_run": 0, "devices": [device], "cases": rows}, open(name + ".json", "w"))


def of(*configs):
    return [r for r in rows if r["config"] in configs]


report("reference", {"class": "reference"}, rows)
report("0", first, rows)
report("1", second, rows)
report("slow", rusticl, of("operators", "points"))
report("few", {"class": "reference"}, [r for r in rows if r["config"] != "operators"])
report("wrong", second, [{**rows[3], "checksum": "f" * 64}, *rows[4:]])
PY
cat > program <<END
#!/bin/sh
[ "\$1 \$2 \$3 \$4 \$6 \$7" = "verify --fingerprint --all --device --json -" ] && exec cat "$work/\$5.json"
END
chmod +x program
made() { "$SOURCE/tools/fingerprints" --scorecl "$work/program" --device 0 "$@"; }

made --report 1.json --report slow.json --out made.yaml > said 2>&1 || fail "$(cat said)"
checksums=$(grep -cE '"[0-9a-f]{64}"$' "$SOURCE/tests/fingerprints.yaml")
grep -q "^$checksums checksums, agreed by: Portable.* 3.1+debian; .*; reference; rusticl.*LLVM 19$" said || fail "no verdict"
cmp made.yaml "$SOURCE/tests/fingerprints.yaml" || fail "the published file is not what the tool writes"
made --check > /dev/null 2>&1 || fail "the C definitions and one compiler are not checked"
expect 1 "the reference device and two compilers are needed" made --out none.yaml
expect 1 "1 checksums differ; nothing is written" made --report wrong.json --out none.yaml
expect 1 "no implementation is called nobody" made --on nobody
[ ! -e none.yaml ] || fail "a file was written"
one=$(sed -n '/^  ncsn_direct:/,$s/^      train: "\(.*\)"/\1/p' made.yaml | head -1) other=$(tr 0-9a-f 1-9a-f0 <<< "$one")
sed "s/$one/$other/" made.yaml > other.yaml
expect 1 "ncsn_direct: weights of train: $other" made --check --out other.yaml
one=$(sed -n 's/^      between: "\(.*\)"/\1/p' made.yaml)
grep -v '  between: ' made.yaml > other.yaml
expect 1 "ncsn_direct: samples of between: none in the file" made --check --out other.yaml
sed 's/^      between: \(.*\)/&\n      beyond: \1/' made.yaml > other.yaml
expect 1 "ncsn_direct: samples of beyond: $one in the file, none here" made --check --out other.yaml
cp few.json reference.json
cp few.json 0.json
expect 1 "no report has operators" made --check
