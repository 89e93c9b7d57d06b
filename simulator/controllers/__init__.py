"""The cluster's controllers: each makes one kind of object come true, and nothing else."""
