#!/bin/sh
# Builds the evaluator with its C test under AddressSanitizer and UBSan, and runs it.
# usage: test.sh [ROUNDS]; CC names the compiler.
set -eu

here=$(dirname "$0")
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

"${CC:-cc}" -std=c11 -O1 -g -Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror \
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    "$here/evaluator.c" "$here/test_evaluator.c" -o "$build/test_evaluator"
"$build/test_evaluator" "$@"
