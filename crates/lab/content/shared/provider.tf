terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
  }
}

# Keys come from the environment. Every resource gets the lab's tag.
provider "aws" {
  region              = "{{region}}"
  allowed_account_ids = ["{{account}}"]
  s3_use_path_style   = true

  default_tags {
    tags = {
      headwater = "clickstream-lab"
    }
  }
}
