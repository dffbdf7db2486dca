# The work is here, so the shell starts here.
until [ -d /root/tokens ]; do sleep 0.2; done; cd /root/tokens
clear
