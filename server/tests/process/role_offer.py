"""Makes the role of a CloudFormation template in moto, and prints what came of it as JSON: role_offer.py TEMPLATE"""

import ast
import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1")

import boto3
from moto import mock_aws

with mock_aws():
    cloudformation = boto3.client("cloudformation")
    with open(sys.argv[1], encoding="utf-8") as template:
        body = template.read()
    cloudformation.create_stack(StackName="headwater", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = cloudformation.describe_stacks(StackName="headwater")["Stacks"][0]
    iam = boto3.client("iam")
    role = iam.get_role(RoleName="HeadwaterLab")["Role"]
    name = iam.list_role_policies(RoleName="HeadwaterLab")["PolicyNames"][0]
    # moto keeps the policy of a template as Python writes a dictionary, not as JSON.
    policy = ast.literal_eval(iam.get_role_policy(RoleName="HeadwaterLab", PolicyName=name)["PolicyDocument"])
    print(
        json.dumps(
            {
                "status": stack["StackStatus"],
                "output": stack["Outputs"][0]["OutputValue"],
                "arn": role["Arn"],
                "trust": role["AssumeRolePolicyDocument"],
                "policy": policy,
                "tags": role["Tags"],
            }
        )
    )
