"""The DAG files of `penstock bench`, copied into the folder of the stack that it starts."""
