#!/usr/bin/env bash
# What `cmake --install` puts elsewhere is whole: the program, the library with pkg-config, a program built on it.
. "$(dirname "$0")/common"

cmake --install "$BUILD" --prefix "$work/there" > install.log || { cat install.log; fail "cmake --install"; }
[ "$(there/bin/scorecl --version | head -c 7)" = scorecl ] || fail "the installed program does not run"
for page in man1/scorecl.1 man5/scorecl-config.5; do
    [ -s "there/share/man/$page" ] || fail "no $page"
    if command -v groff > /dev/null && groff -man -Tutf8 -ww "there/share/man/$page" 2>&1 > /dev/null | grep .; then
        fail "$page is no clean page"
    fi
done
grep -q '^\.SS scorecl verify' there/share/man/man1/scorecl.1 || fail "a command is missing in scorecl.1"
grep -q 'optimizer.*lr' there/share/man/man5/scorecl-config.5 || fail "a key is missing in scorecl-config.5"
mkdir moved && mv there moved/prefix            # nothing holds on to the place it was installed at
pc=$(find moved/prefix -name scorecl.pc -printf '%h')
export PKG_CONFIG_PATH=$work/$pc
flags=$(pkg-config --cflags --libs --static scorecl) || fail "pkg-config"
# shellcheck disable=SC2086
cc -std=c11 "$SOURCE/tests/example/example.c" $flags -o example || fail "the example does not build with: $flags"
make_data
sed "s|format: idx|format: npy|; s|path: /usr.*|path: $work/data.npy|; s|device: auto|device: reference|" "$tiny" > tiny.yaml
./example tiny.yaml out | tee said
grep -q "^weights: out/train" said && [ -s out/sample/grid.png ] || fail "the example made nothing"
