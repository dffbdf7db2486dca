cat > /root/iam/fitted.json <<'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "ReadTemplates", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-templates/*"},
    {"Sid": "WriteReceipts", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::shop-receipts/*"},
    {"Sid": "ListReceipts", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shop-receipts"},
    {"Sid": "Queue", "Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": "arn:aws:sqs:eu-central-1:123456789012:orders"},
    {"Sid": "Logs", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:eu-central-1:123456789012:log-group:/receipts:*"}
  ]
}
JSON
