"""What ``python -m merit_sk.experiment`` does, from its options to its report."""
