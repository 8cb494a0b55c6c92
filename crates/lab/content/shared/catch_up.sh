# Needs bash, the AWS CLI, Python 3, and keys of the account {{account}} in the
# environment. It can be run again: what is there is kept, what is missing is
# made, and what is wrong is told and left as it is.
export AWS_DEFAULT_REGION={{region}} AWS_REGION={{region}} AWS_PAGER=""
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Version 2 of the CLI has to be told to take data in files as they are.
case "$(command aws --version 2>&1)" in
  aws-cli/1*) ;;
  *) aws() { command aws --cli-binary-format raw-in-base64-out "$@"; } ;;
esac

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# expect WHAT FOUND WANTED: ends the script if a setting is not as the lab wants it.
expect() {
  if [ "$2" != "$3" ]; then
    fail "$1 is $2, not $3. Change it, or delete what it belongs to, and run this again."
  fi
}

# exists ABSENT COMMAND...: whether AWS has a thing. ABSENT is what it says when it
# has not; any other refusal ends the script.
exists() {
  local absent=$1
  shift
  if "$@" > found.txt 2> refusal.txt; then return 0; fi
  if grep -qF -- "$absent" refusal.txt; then return 1; fi
  fail "$(cat refusal.txt)"
}

# wait_until WHAT COMMAND...: repeats a command until it succeeds, for ten minutes at most.
wait_until() {
  local what=$1 attempt
  shift
  for attempt in $(seq 300); do
    if "$@"; then return 0; fi
    sleep 2
  done
  fail "After ten minutes, this is still not so: $what"
}

# ensure_role NAME SERVICE: a role that this service may take on.
ensure_role() {
  if exists NoSuchEntity aws iam get-role --role-name "$1"; then
    say "The role $1 is there."
  else
    cat > trust.json <<EOF
{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Principal": { "Service": "$2" }, "Action": "sts:AssumeRole" }]
}
EOF
    aws iam create-role --role-name "$1" --assume-role-policy-document file://trust.json \
      --tags Key=headwater,Value=clickstream-lab > created.json
    say "Made the role $1."
  fi
  expect "Who may take on $1" "$(aws iam get-role --role-name "$1" \
    --query 'Role.AssumeRolePolicyDocument.Statement[0].Principal.Service' --output text)" "$2"
}

# allow ROLE POLICY: gives a role the policy that comes on standard input.
allow() {
  cat > policy.json
  aws iam put-role-policy --role-name "$1" --policy-name "$2" --policy-document file://policy.json
}

expect "The account of your keys" "$(aws sts get-caller-identity --query Account --output text)" {{account}}
