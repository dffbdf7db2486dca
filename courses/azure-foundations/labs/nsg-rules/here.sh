# The work is here, so the shell starts here.
cd /root/nsg
clear
