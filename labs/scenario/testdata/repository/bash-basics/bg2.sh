apt-get install -y tree
