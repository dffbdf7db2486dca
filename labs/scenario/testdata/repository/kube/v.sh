ssh node01 true
