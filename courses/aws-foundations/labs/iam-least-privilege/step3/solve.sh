cd /root/iam
jq '.Statement += [{
  Sid: "OnlyEncrypted", Effect: "Deny", Action: "s3:*",
  Resource: ["arn:aws:s3:::shop-receipts", "arn:aws:s3:::shop-receipts/*"],
  Condition: {Bool: {"aws:SecureTransport": "false"}}
}]' fitted.json > guarded.json
