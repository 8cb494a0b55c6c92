# Runs a command, and repeats it for two minutes at most while AWS says that it
# cannot use the role: a new role takes some seconds to be known everywhere.
with_new_role() {
  local attempt
  for attempt in $(seq 24); do
    if "$@" 2> refusal.txt; then return 0; fi
    grep -qiE 'role|assume|privileges' refusal.txt || break
    sleep 5
  done
  cat refusal.txt >&2
  return 1
}
