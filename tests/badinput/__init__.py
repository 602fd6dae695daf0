"""Bad input, end to end: real commands, real daemons. What is proven where:

| what is bad | test |
| --- | --- |
| a syntax error, an endless import, a cycle, two tasks of one id | cli/test_running.py |
| the same beside good files, under a daemon | test_files.py |
| an unknown DAG; conf that is no JSON or fails the schema | cli/test_daemon.py, test_requests.py |
| published requests that nobody can read | test_requests.py |
| run ids with slashes and spaces, ids of 250 characters, dots, other scripts | test_requests.py |
| ids with slashes, spaces, none at all | test_files.py |
| two runs asked for with one id, also at one moment | test_requests.py |
| 100 MB of output; closed stdout; forks; death by signal; no end | test_tasks.py |
| values that cannot be pickled, printed, read; errors that cannot be said | test_tasks.py |
| XCom keys with odd characters | test_tasks.py |
| a value of gigabytes | test_tasks.py (300 MB), test_disk.py (no room for it) |
| a process with output, memory or signals gone wrong, one by one | worker/test_pool.py |
| a file that is deleted, or breaks, in mid-run | test_files.py |
| 10,000 files that are no DAGs; pipes, links, folders called .py | test_files.py |
| a state folder on a read-only or full disk, of another layout | cli/test_running.py |
| a state folder whose files are torn or of a newer version | test_outages.py |
| a disk that fills up in mid-run | test_disk.py |
| a port that is taken; a folder that is in use | cli/test_daemon.py |
| NATS gone, or standing still, for a while in mid-run | test_outages.py |
| a trigger while the daemon drains | test_outages.py |
| no nats-server at all | cli/test_running.py |
"""
