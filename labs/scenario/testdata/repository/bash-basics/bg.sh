#!/bin/bash
curl http://[[HOST_SUBDOMAIN]]-8080-[[KATACODA_HOST]].environments.katacoda.com
[[ -f x ]]
