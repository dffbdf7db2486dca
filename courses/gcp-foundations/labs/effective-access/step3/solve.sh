cd /root/gcp
jq '"serviceAccount:receipts@shop-live.iam.gserviceaccount.com" as $me
  | .["shop-live"].bindings |= (map(if .role == "roles/editor" then .members -= [$me] else . end)
    + [("roles/pubsub.subscriber", "roles/storage.objectCreator", "roles/logging.logWriter") | {role: ., members: [$me]}])' tree.json > t && mv t tree.json
