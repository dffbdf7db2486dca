#!/usr/bin/env bash
[ "$(stat -c %a /home/deploy/.ssh)" = 700 ] || { echo "Only its owner should get into the folder."; exit 1; }
case $(stat -c %a /home/deploy/.ssh/id_ed25519) in
600 | 400) ;;
*) echo "Only its owner should read the private key."; exit 1 ;;
esac
