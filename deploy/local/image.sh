#!/usr/bin/env bash
# Prints the image that labs start from. It is built when it is missing; where
# that can't be done, labs borrow this machine's /usr, which is said aloud.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -n "${CMH_LAB_IMAGE:-}" ]; then
	echo "$CMH_LAB_IMAGE"
elif bin/cmh-server image build >/dev/null; then
	echo debian
else
	cat >&2 <<-'SAY'

		The base image could not be built, so labs borrow this machine's /usr, read-only.
		That is for DEVELOPMENT ONLY: learners see which software is installed here, and
		labs may miss tools. Give them an image with one of:
		    cmh-server image build                    (needs mmdebstrap and a Debian mirror)
		    cmh-server image import PATH debian       (an OCI layout, or a docker save archive)

	SAY
	echo host
fi
