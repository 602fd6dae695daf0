"""Workers: they take attempts from the leader and run them in children that may die at any instant.

`worker` decides, `process_pool` has the processes, `child` is inside of one; `main` is the process
that `penstock worker` starts.
"""
