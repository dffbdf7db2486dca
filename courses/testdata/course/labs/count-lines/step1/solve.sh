wc -l </etc/passwd >~/count
