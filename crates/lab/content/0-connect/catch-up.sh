#!/usr/bin/env bash
set -euo pipefail
# Step 0, connect: nothing is made. It sees whether your keys belong to the lab's account.

{{include shared/catch_up.sh}}

say "Your keys belong to the account {{account}}."
