# The work is here, so the shell starts here.
cd /root/gcp
clear
