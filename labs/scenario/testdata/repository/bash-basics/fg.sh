clear
cd /tmp
