#!/bin/bash
[ "$(cat ~/count)" = "$(wc -l </etc/passwd)" ]
