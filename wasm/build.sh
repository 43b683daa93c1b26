#!/bin/sh
# Builds the core: sh wasm/build.sh OUT.wasm, from the repository, where requirements-long.txt is installed.
exec "${PYTHON:-python}" -m ziglang cc -target wasm32-freestanding -O3 -mcpu=generic+simd128+bulk_memory+nontrapping_fptoint -ffreestanding -nostdlib -Wall -Wextra -Werror -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=65536 -o "$1" wasm/*.c
