#!/bin/sh
# Builds the C tests under AddressSanitizer and UBSan, and runs them.
# usage: test.sh [ROUNDS]; CC names the compiler.
set -eu

cd "$(dirname "$0")"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

for test in evaluator children cohorts actors; do
    "${CC:-cc}" -std=c11 -O1 -g -Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror \
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
        evaluator.c children.c relate.c cohorts.c actors.c "test_$test.c" -o "$build/test_$test"
    "$build/test_$test" "$@"
done
