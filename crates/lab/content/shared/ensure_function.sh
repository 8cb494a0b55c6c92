# ensure_function NAME ZIP OPTIONS...: a Lambda function with this code, ready to be called.
ensure_function() {
  local name=$1 zip=$2
  shift 2
  if exists ResourceNotFoundException aws lambda get-function-configuration --function-name "$name"; then
    say "The function $name is there."
  else
    with_new_role aws lambda create-function --function-name "$name" --runtime python3.13 \
      --handler lambda_function.handler --timeout 60 \
      --role arn:{{partition}}:iam::{{account}}:role/{{lambda_role}} \
      --zip-file "fileb://$zip" --tags headwater=clickstream-lab "$@" > created.json
    say "Made the function $name."
  fi
  aws lambda wait function-active-v2 --function-name "$name"
  expect "The handler of $name" "$(aws lambda get-function-configuration --function-name "$name" \
    --query Handler --output text)" lambda_function.handler
}
