"""What ``python -m merit_sk.evaluation`` does, from its options to its report."""
