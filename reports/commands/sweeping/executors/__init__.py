"""Executors, which run tasks: in this process, in local processes, on a Dask cluster, or in the tasks of a SLURM array."""
