#!/bin/sh
# A conversation with StateKeep in a shell: one request a line in, one answer a line out.
# nc is OpenBSD's, whose -N ends the conversation after the last request; the daemon answers all of them before it hangs up.
set -eu

nc -N -U "$STATEKEEP_SOCKET" <<'REQUESTS'
{"op":"deploy","id":1,"version":"sh-order-v1","definition":{"initial":"open","states":{"open":{"on":{"PAY":"paid"}},"paid":{"type":"final"}}}}
{"op":"spawn","id":2,"version":"sh-order-v1","key":"order-from-a-shell","idempotency_key":"spawn-1"}
{"op":"send","id":3,"actor":"order-from-a-shell","event":"PAY","idempotency_key":"payment-815"}
{"op":"get","id":4,"actor":"order-from-a-shell"}
REQUESTS
