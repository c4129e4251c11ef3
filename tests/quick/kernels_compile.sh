#!/bin/bash
# Every kernel file (cl/lib holds their parts) compiles alone, as OpenCL C 1.2, with the defaults in it and no warning that matters.
clang=$(command -v clang-15 || command -v clang-19 || command -v clang-14 || command -v clang) || exit 77
fail=0
for file in $(find "$SOURCE/cl" -path "*/lib/*" -prune -o -name "*.cl" -print); do
    "$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -target spir64 -I "$SOURCE/cl" -Wall -Wno-unused-function \
        -Werror=double-promotion -Werror=implicit-float-conversion -Werror=implicit-function-declaration \
        -Werror=shorten-64-to-32 -fsyntax-only "$file" || { echo "$file"; fail=1; }
done
exit $fail
