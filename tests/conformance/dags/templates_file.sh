echo "hello {{ params.who }} on {{ ds }}"
